import { LeaseLost } from '../runbook/approval/lease-lost.ts';
import type { Holder, JournalDraft } from '../runbook/snapshot/ports.ts';
import type { Query } from './postgres-session.ts';
import { longestLeaseMs, leaderLease } from './tending.ts';

/** In a transaction that holds the journal's lock, as all of these. False where the request has ended or somebody's lease stands. */
export async function takeFreeLease(
  query: Query,
  request: string,
  holder: Holder,
): Promise<boolean> {
  const free = await query(
    `SELECT FROM dbconn.requests WHERE id = $1 AND state IN ('approved', 'executing', 'verifying')
       AND NOT EXISTS (SELECT FROM dbconn.leases WHERE request = id AND until > clock_timestamp()
         AND until < clock_timestamp() + $2 * interval '1 millisecond')`,
    [request, longestLeaseMs],
  );
  if (free.length === 1) await takeLease(query, request, holder);
  return free.length === 1;
}

/** Takes or prolongs the one lease on all incidents. False while another holder's stands. */
export async function takeLeaderLease(query: Query, holder: Holder): Promise<boolean> {
  const others = await query(
    `SELECT FROM dbconn.leases WHERE request = $1 AND holder <> $2 AND until > clock_timestamp()
       AND until < clock_timestamp() + $3 * interval '1 millisecond'`,
    [leaderLease, holder.id, longestLeaseMs],
  );
  if (others.length === 0) await takeLease(query, leaderLease, holder);
  return others.length === 0;
}

export async function takeLease(
  query: Query,
  request: string,
  { id, forMs }: Holder,
): Promise<void> {
  await query(
    `INSERT INTO dbconn.leases VALUES ($1, $2, clock_timestamp() + $3 * interval '1 millisecond')
     ON CONFLICT (request) DO UPDATE SET holder = EXCLUDED.holder, until = EXCLUDED.until`,
    [request, id, forMs],
  );
}

export async function dropLease(query: Query, request: string, { id }: Holder): Promise<void> {
  await query('DELETE FROM dbconn.leases WHERE request = $1 AND holder = $2', [request, id]);
}

/**
 * Whose lease it is decides, not its time: one that has run out but was not taken is still one's own. It is prolonged, so
 * that nobody takes the request over while what was written is being done.
 */
export async function useLease(query: Query, { request, holder }: JournalDraft): Promise<void> {
  if (holder === undefined || request === undefined) return;
  const held = await query(
    `UPDATE dbconn.leases SET until = clock_timestamp() + $3 * interval '1 millisecond'
     WHERE request = $1 AND holder = $2 RETURNING request`,
    [request, holder.id, holder.forMs],
  );
  if (held.length !== 1) throw new LeaseLost(request);
}
