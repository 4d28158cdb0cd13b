import { LeaseLost } from '../runbook/approvals/journal.ts';
import type { Holder, JournalDraft } from '../runbook/approvals/journal.ts';
import type { Transaction } from './driver.ts';

/** The name of the one lease on all incidents. No request has such an id. */
export const leaderLease = 'incidents';

/** In a transaction that writes, as all of these. False where the request has ended or somebody's lease stands. */
export async function takeFreeLease(
  tx: Transaction,
  request: string,
  holder: Holder,
): Promise<boolean> {
  const free = await tx.query(
    `SELECT 1 FROM dbconn.requests WHERE id = $1 AND state IN ('approved', 'executing', 'verifying')
       AND NOT EXISTS (SELECT 1 FROM dbconn.leases WHERE request = id AND ${tx.lease.stands})`,
    [request],
  );
  if (free.length === 1) await takeLease(tx, request, holder);
  return free.length === 1;
}

/** Takes or prolongs the one lease on all incidents. False while another holder's stands. */
export async function takeLeaderLease(tx: Transaction, holder: Holder): Promise<boolean> {
  const others = await tx.query(
    `SELECT 1 FROM dbconn.leases WHERE request = $1 AND holder <> $2 AND ${tx.lease.stands}`,
    [leaderLease, holder.id],
  );
  if (others.length === 0) await takeLease(tx, leaderLease, holder);
  return others.length === 0;
}

export async function takeLease(
  tx: Transaction,
  request: string,
  { id, forMs }: Holder,
): Promise<void> {
  const { columns, values } = tx.lease;
  await tx.query(
    `INSERT INTO dbconn.leases (request, holder, ${columns}) VALUES ($2, $3, ${values})
     ON CONFLICT (request) DO UPDATE SET (holder, ${columns}) = ($3, ${values})`,
    [forMs, request, id],
  );
}

/** Sets a new end of a lease, $1 milliseconds from now. */
export function prolong({ lease: { columns, values } }: Transaction): string {
  return `UPDATE dbconn.leases SET (${columns}) = (SELECT ${values})`;
}

/**
 * Whose lease it is decides, not its time: one that has run out but was not taken is still one's own. It is prolonged, so
 * that nobody takes the request over while what was written is being done.
 */
export async function useLease(tx: Transaction, { request, holder }: JournalDraft): Promise<void> {
  if (holder === undefined || request === undefined) return;
  const held = await tx.query(
    `${prolong(tx)} WHERE request = $2 AND holder = $3 RETURNING request`,
    [holder.forMs, request, holder.id],
  );
  if (held.length !== 1) throw new LeaseLost(request);
}
