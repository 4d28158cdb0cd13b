import type { DatabaseSync } from 'node:sqlite';
import { LeaseLost } from '../runbook/approval/lease-lost.ts';
import type { JournalDraft } from '../runbook/ports.ts';
import { longestTendingMs, tending } from './tending.ts';

/** By this machine's clock, in milliseconds. */
export interface Lease {
  readonly holder: string;
  readonly nowMs: number;
  readonly untilMs: number;
}

/** Inside a transaction, as all of these. False where the request has ended or somebody's lease stands. */
export function takeFreeLease(database: DatabaseSync, request: string, lease: Lease): boolean {
  const free = database
    .prepare(
      `SELECT 1 FROM requests WHERE id = ? AND state IN ('approved', 'executing', 'verifying')
         AND NOT EXISTS (SELECT 1 FROM leases WHERE request = id AND until > ?)`,
    )
    .get(request, lease.nowMs);
  if (free !== undefined) takeLease(database, request, lease);
  return free !== undefined;
}

/** Takes or prolongs the one lease on all incidents. False while another holder's stands. */
export function takeTending(database: DatabaseSync, lease: Lease): boolean {
  const other = database
    .prepare('SELECT 1 FROM leases WHERE request = ? AND holder <> ? AND until > ? AND until < ?')
    .get(tending, lease.holder, lease.nowMs, lease.nowMs + longestTendingMs);
  if (other === undefined) takeLease(database, tending, lease);
  return other === undefined;
}

export function takeLease(
  database: DatabaseSync,
  request: string,
  { holder, untilMs }: Lease,
): void {
  database.prepare('INSERT OR REPLACE INTO leases VALUES (?, ?, ?)').run(request, holder, untilMs);
}

export function dropLease(database: DatabaseSync, request: string, holder: string): void {
  database.prepare('DELETE FROM leases WHERE request = ? AND holder = ?').run(request, holder);
}

/** Whose lease it is decides, not its time: one that has run out but was not taken is still one's own. */
export function checkLease(database: DatabaseSync, { request, holder }: JournalDraft): void {
  if (holder === undefined || request === undefined) return;
  const row = database.prepare('SELECT holder FROM leases WHERE request = ?').get(request);
  if (row?.['holder'] !== holder.id) throw new LeaseLost(request);
}
