import { z } from 'zod';
import type { Blocker, SlowQuery, SkipGuard } from '../runbook/remedies/d-stop-blockers/ports.ts';
import { isMaintenanceText } from './activity-columns.ts';
import type { Queryable } from './queryable.ts';
import { readBlockers } from './read-blockers.ts';

/** As `counts` of the look: who waits for a lock is a victim, a commit is done already, and maintenance is meant to take long. */
const slowStatement = /* sql */ `
SELECT pid FROM pg_stat_activity
 WHERE backend_type = 'client backend' AND state = 'active' AND pid <> pg_backend_pid()
   AND wait_event_type IS DISTINCT FROM 'Lock' AND wait_event IS DISTINCT FROM 'SyncRep'
   AND (wait_event_type = 'Client' OR NOT ${isMaintenanceText('query')})
   AND query_start < clock_timestamp() - $1 * interval '1 millisecond'
 ORDER BY query_start, pid LIMIT $2`;

const SlowRow = z.object({ pid: z.number().int() });

/** Whose statement has run for so long, longest first. */
export async function readSlow(
  client: Queryable,
  { runningForMs, atMost }: SlowQuery,
  guard: SkipGuard,
): Promise<readonly Blocker[]> {
  const { rows } = await client.query(slowStatement, [runningForMs, atMost]);
  const pids = rows.map((row) => SlowRow.parse(row).pid);
  const found = await readBlockers(client, pids, guard);
  const byPid = new Map(found.map((one) => [one.identity.pid, one]));
  return pids.flatMap((pid) => byPid.get(pid) ?? []);
}
