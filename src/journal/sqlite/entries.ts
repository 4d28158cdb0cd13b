import { readFileSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { LeaseLost } from '../../runbook/approvals/journal.ts';
import type { JournalDraft } from '../../runbook/approvals/journal.ts';
import { uptimeOf } from '../../timing.ts';
import type { Clock } from '../../timing.ts';
import { genesis, nextEntry } from '../chain.ts';
import type { Head, JournalEntry } from '../chain.ts';
import { leaderLease, longestLeaseMs } from '../stored-journal.ts';

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
  const upMs = uptimeOf(clock);
  if (isOpen(database)) {
    if (held?.['boot'] !== clock.boot) {
      const aheadMs = readClock(database, clock) - upMs;
      database
        .prepare('INSERT OR REPLACE INTO clock (one, boot, ahead) VALUES (1, ?, ?)')
        .run(clock.boot, Math.round(aheadMs));
    } else if (held['quiet'] !== null) database.exec('UPDATE clock SET quiet = NULL');
  } else if (held?.['quiet'] === null) {
    database.prepare('UPDATE clock SET quiet = ?').run(Math.round(upMs));
  } else if (held !== undefined && isOver(held, { upMs, boot: clock.boot })) {
    database.exec('DELETE FROM clock');
  }
}

function isOpen(database: DatabaseSync): boolean {
  const statement = "SELECT 1 FROM incidents WHERE state IN ('open', 'merged')";
  return database.prepare(statement).get() !== undefined;
}

function hasEnded(held: Readonly<Record<string, unknown>>, clock: BootClock): boolean {
  const { boot } = clock;
  return (
    held['quiet'] !== null && held['boot'] === boot && isOver(held, { boot, upMs: uptimeOf(clock) })
  );
}

function isOver(
  { boot, quiet }: Readonly<Record<string, unknown>>,
  now: { readonly upMs: number; readonly boot: string },
): boolean {
  return boot !== now.boot || now.upMs - Number(quiet) >= heldOnMs;
}

/** When the last entry was written. */
export function readLastAt(database: DatabaseSync): number {
  const last = database.prepare('SELECT at FROM entries ORDER BY seq DESC LIMIT 1').get();
  return last === undefined ? 0 : Date.parse(String(last['at']));
}

export function readHead(database: DatabaseSync): Head {
  const row = database.prepare('SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1').get();
  return row === undefined
    ? { seq: 0, hash: genesis }
    : { seq: Number(row['seq']), hash: String(row['hash']) };
}

export function readHashAt(database: DatabaseSync, seq: number): string | undefined {
  const row = database.prepare('SELECT hash FROM entries WHERE seq = ?').get(seq);
  return row === undefined ? undefined : String(row['hash']);
}

/** The end of the chain where it goes on from the one known before; that one where its entry is another by now. */
export function readKnown(database: DatabaseSync, before: Head): Head {
  const isKept = before.seq === 0 || readHashAt(database, before.seq) === before.hash;
  return isKept ? readHead(database) : before;
}

/** The entries of one request or incident, or all, in order; those after `afterSeq` alone where it is given. */
export function* readEntries(
  database: DatabaseSync,
  subject?: string,
  afterSeq = 0,
): Generator<JournalEntry> {
  const where = subject === undefined ? '' : 'AND request = ?';
  const statement = database.prepare(`SELECT * FROM entries WHERE seq > ? ${where} ORDER BY seq`);
  const rows =
    subject === undefined ? statement.iterate(afterSeq) : statement.iterate(afterSeq, subject);
  for (const row of rows) yield toEntry(row);
}

export function toEntry(row: Readonly<Record<string, unknown>>): JournalEntry {
  return {
    seq: Number(row['seq']),
    at: String(row['at']),
    request: typeof row['request'] === 'string' ? row['request'] : null,
    kind: String(row['kind']),
    body: String(row['body']),
    previous: String(row['previous']),
    hash: String(row['hash']),
  };
}

/** When the request's first entry of one of these kinds was written, in milliseconds since the epoch. */
export function readFirstAt(
  database: DatabaseSync,
  request: string,
  kinds: readonly string[],
): number | undefined {
  const row = database
    .prepare(
      `SELECT at FROM entries WHERE request = ? AND kind IN (SELECT value FROM json_each(?))
       ORDER BY seq LIMIT 1`,
    )
    .get(request, JSON.stringify(kinds));
  return row === undefined ? undefined : Date.parse(String(row['at']));
}

/** What an entry is written from, besides the file. */
interface Writing {
  readonly clock: BootClock;
  readonly draft: JournalDraft;
  /** The new state of its request or incident; null where it changes none. */
  readonly data: string | null;
}

/** Inside a transaction. Returns the new end of the chain. */
export function appendEntry(database: DatabaseSync, { clock, draft, data }: Writing): Head {
  const at = new Date(readClock(database, clock)).toISOString();
  const entry = nextEntry(draft, { head: readHead(database), at, data });
  const { seq, request, kind, body, previous, hash } = entry;
  database
    .prepare(
      'INSERT INTO entries (seq, at, request, kind, body, previous, hash) VALUES (?, ?, ?, ?, ?, ?, ?)',
    )
    .run(seq, at, request, kind, body, previous, hash);
  return { seq, hash };
}

/** By this machine's uptime, in milliseconds. */
export interface Lease {
  readonly holder: string;
  /** Which start of the machine that counts from: after another one nobody holds anything. */
  readonly boot: string;
  readonly nowMs: number;
  readonly untilMs: number;
}

/** Inside a transaction, as all of these. False where the request has ended or somebody's lease stands. */
export function takeFreeLease(database: DatabaseSync, request: string, lease: Lease): boolean {
  const free = database
    .prepare(
      `SELECT 1 FROM requests WHERE id = ? AND state IN ('approved', 'executing', 'verifying')
         AND NOT EXISTS (SELECT 1 FROM leases WHERE request = id AND ${stands})`,
    )
    .get(request, ...standing(lease));
  if (free !== undefined) takeLease(database, request, lease);
  return free !== undefined;
}

/** Takes or prolongs the one lease on all incidents. False while another holder's stands. */
export function takeLeaderLease(database: DatabaseSync, lease: Lease): boolean {
  const other = database
    .prepare(`SELECT 1 FROM leases WHERE request = ? AND holder <> ? AND ${stands}`)
    .get(leaderLease, lease.holder, ...standing(lease));
  if (other === undefined) takeLease(database, leaderLease, lease);
  return other === undefined;
}

export function takeLease(
  database: DatabaseSync,
  request: string,
  { holder, untilMs, boot }: Lease,
): void {
  database
    .prepare('INSERT OR REPLACE INTO leases (request, holder, until, boot) VALUES (?, ?, ?, ?)')
    .run(request, holder, untilMs, boot);
}

const stands = 'boot = ? AND until > ? AND until < ?';

function standing({ boot, nowMs }: Lease): [string, number, number] {
  return [boot, nowMs, nowMs + longestLeaseMs];
}

export function prolongLeases(database: DatabaseSync, { holder, untilMs, boot }: Lease): void {
  database
    .prepare('UPDATE leases SET until = ?, boot = ? WHERE holder = ?')
    .run(untilMs, boot, holder);
}

/** Of this start of the machine; empty where the system has none, and then only a far-off end tells. */
export function readBoot(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

export function dropLease(database: DatabaseSync, request: string, holder: string): void {
  database.prepare('DELETE FROM leases WHERE request = ? AND holder = ?').run(request, holder);
}

/**
 * Whose lease it is decides, not its time: one that has run out but was not taken is still one's own. It is prolonged, so
 * that nobody takes the request over while what was written is being done.
 */
export function useLease(database: DatabaseSync, request: string | undefined, lease: Lease): void {
  if (request === undefined) return;
  const { changes } = database
    .prepare('UPDATE leases SET until = ?, boot = ? WHERE request = ? AND holder = ?')
    .run(lease.untilMs, lease.boot, request, lease.holder);
  if (changes !== 1) throw new LeaseLost(request);
}
