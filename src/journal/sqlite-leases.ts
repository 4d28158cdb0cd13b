import { readFileSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { LeaseLost } from '../runbook/approval/lease-lost.ts';
import { longestLeaseMs, leaderLease } from './tending.ts';

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
