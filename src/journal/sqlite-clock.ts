import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../runbook/ports.ts';
import { uptimeOf } from '../runbook/uptime.ts';

/** A clock with the start of the machine that its uptime counts from. */
export interface BootClock extends Pick<Clock, 'now' | 'uptime'> {
  readonly boot: string;
}

/**
 * The journal's own clock, in milliseconds since the epoch. While an incident is open it counts by the machine's uptime
 * from when that opened, in every process: nobody sets it. Else it is the wall clock.
 */
export function readClock(database: DatabaseSync, clock: BootClock): number {
  const held = database.prepare('SELECT boot, ahead FROM clock').get();
  if (held === undefined) return clock.now();
  const isOfThisBoot = held['boot'] === clock.boot;
  const nowMs = isOfThisBoot ? uptimeOf(clock) + Number(held['ahead']) : clock.now();
  // The machine was started again with its clock behind, or somebody wrote here by hand.
  return Math.max(nowMs, readLastAt(database));
}

/** Inside a transaction, after its work: holds the clock from the first open incident to the end of the last one. */
export function keepClock(database: DatabaseSync, clock: BootClock): void {
  const held = database.prepare('SELECT boot FROM clock').get();
  const isOpen =
    database.prepare("SELECT 1 FROM incidents WHERE state IN ('open', 'merged')").get() !==
    undefined;
  if (!isOpen) {
    if (held !== undefined) database.exec('DELETE FROM clock');
  } else if (held?.['boot'] !== clock.boot) {
    const aheadMs = readClock(database, clock) - uptimeOf(clock);
    database
      .prepare('INSERT OR REPLACE INTO clock VALUES (1, ?, ?)')
      .run(clock.boot, Math.round(aheadMs));
  }
}

/** When the last entry was written. */
export function readLastAt(database: DatabaseSync): number {
  const last = database.prepare('SELECT at FROM entries ORDER BY seq DESC LIMIT 1').get();
  return last === undefined ? 0 : Date.parse(String(last['at']));
}
