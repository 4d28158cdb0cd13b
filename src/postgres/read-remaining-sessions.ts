import { z } from 'zod';
import type { SessionIdentity } from '../runbook/remedies/targets/session.ts';
import type { Queryable } from './queryable.ts';

/** A pid alone may be somebody else's by now, so its start must agree. A hidden start counts as there. */
const remainingStatement = /* sql */ `
SELECT a.pid
  FROM jsonb_to_recordset($1::jsonb) AS w(pid int, "startedAt" timestamptz)
  JOIN pg_stat_get_activity(NULL) a ON a.pid = w.pid
 WHERE a.backend_start IS NULL OR a.backend_start = w."startedAt"`;

const Rows = z.array(z.object({ pid: z.number().int() }));

/** The pids of those sessions that are still there. */
export async function readRemainingSessions(
  client: Queryable,
  sessions: readonly SessionIdentity[],
): Promise<readonly number[]> {
  const known = sessions.map(({ pid, startedAt }) => ({ pid, startedAt }));
  const { rows } = await client.query(remainingStatement, [JSON.stringify(known)]);
  return Rows.parse(rows).map(({ pid }) => pid);
}
