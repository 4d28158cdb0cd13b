import { readFileSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { uptimeOf } from '../../timing.ts';
import type { Clock } from '../../timing.ts';

/** A clock with the start of the machine that its uptime counts from. */
export interface BootClock extends Pick<Clock, 'now' | 'uptime'> {
  readonly boot: string;
}

/**
 * The journal's own clock, in milliseconds since the epoch. While an incident is open, and an hour after, it counts by the
 * machine's uptime from when that opened, in every process: nobody sets it. Else it is the wall clock.
 */
export function readClock(database: DatabaseSync, clock: BootClock): number {
  const held = database.prepare('SELECT boot, ahead, quiet FROM clock').get();
  // Nobody may have written since that hour was over: where all is quiet dbconn writes nothing.
  if (held === undefined || hasEnded(held, clock)) return clock.now();
  const isOfThisBoot = held['boot'] === clock.boot;
  const nowMs = isOfThisBoot ? uptimeOf(clock) + Number(held['ahead']) : clock.now();
  // The machine was started again with its clock behind, or somebody wrote here by hand.
  return Math.max(nowMs, readLastAt(database));
}

/** What is told, silenced or taken up again within this time of an incident's end counts by the same clock. */
const heldOnMs = 3_600_000;

/** Inside a transaction, after its work: holds the clock from the first open incident to a while after the last one. */
export function keepClock(database: DatabaseSync, clock: BootClock): void {
  const held = database.prepare('SELECT boot, quiet FROM clock').get();
  const open = "SELECT 1 FROM incidents WHERE state IN ('open', 'merged')";
  const isOpen = database.prepare(open).get() !== undefined;
  const isHeld = held?.['boot'] === clock.boot && !hasEnded(held, clock);
  const upMs = uptimeOf(clock);
  if (isOpen) {
    if (!isHeld) {
      const aheadMs = readClock(database, clock) - upMs;
      database
        .prepare('INSERT OR REPLACE INTO clock (one, boot, ahead) VALUES (1, ?, ?)')
        .run(clock.boot, Math.round(aheadMs));
    } else if (held['quiet'] !== null) database.exec('UPDATE clock SET quiet = NULL');
  } else if (held?.['quiet'] === null) {
    database.prepare('UPDATE clock SET quiet = ?').run(Math.round(upMs));
  } else if (held !== undefined && !isHeld) {
    database.exec('DELETE FROM clock');
  }
}

/** An hour of this boot's went by since the last incident, whether or not anybody wrote since. */
function hasEnded(held: Readonly<Record<string, unknown>>, clock: BootClock): boolean {
  const { boot, quiet } = held;
  return quiet !== null && boot === clock.boot && uptimeOf(clock) - Number(quiet) >= heldOnMs;
}

/** When the last entry was written. */
function readLastAt(database: DatabaseSync): number {
  const last = database.prepare('SELECT at FROM entries ORDER BY seq DESC LIMIT 1').get();
  return last === undefined ? 0 : Date.parse(String(last['at']));
}

/** Of this start of the machine; empty where the system has none, and then only a far-off end tells. */
export function readBoot(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}
