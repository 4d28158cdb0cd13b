import { z } from 'zod';
import { WaiterIdentity } from '../runbook/remedies/targets/blocker.ts';
import { microseconds } from './snapshot/snapshot-statement.ts';
import type { Queryable } from './queryable.ts';

const waitersStatement = /* sql */ `
SELECT jsonb_build_object('pid', pid, 'startedAt', ${microseconds('backend_start')}) AS waiter
  FROM pg_stat_activity WHERE pid = ANY ($1::int[]) AND backend_start IS NOT NULL`;

const WaiterRow = z.object({ waiter: WaiterIdentity });

/** Which sessions have those pids now. One that is gone, or hidden from the acting role, has no row. */
export async function readWaiters(
  client: Queryable,
  pids: readonly number[],
): Promise<readonly WaiterIdentity[]> {
  const { rows } = await client.query(waitersStatement, [pids]);
  return rows.map((row) => WaiterRow.parse(row).waiter);
}
