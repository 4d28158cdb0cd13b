import { z } from 'zod';
import { signalWithinMs } from '../runbook/snapshot/ports.ts';
import { microseconds } from './snapshot/snapshot-statement.ts';
import type { Lease } from '../runbook/remedies/lease.ts';
import type { Queryable } from './queryable.ts';

const deadlineStatement = /* sql */ `
SELECT ${microseconds(`(clock_timestamp() + $1::float8 * interval '1 millisecond')`)} AS deadline`;

const DeadlineRow = z.object({ deadline: z.string() });

/**
 * Until when the next statement on this connection may signal, UTC text by the server's own clock: how far dbconn's
 * clock is off changes nothing. A statement that hung in the network while dbconn gave up on it comes too late, and one of
 * a process that was frozen before it is not sent: the lease has to last until the deadline.
 */
export async function readSignalDeadline(client: Queryable, lease: Lease): Promise<string> {
  const withinMs = Math.min(signalWithinMs, lease.leftMs() / 2);
  const { rows } = await client.query(deadlineStatement, [withinMs]);
  lease.mustLast(withinMs);
  return DeadlineRow.parse(rows[0]).deadline;
}
