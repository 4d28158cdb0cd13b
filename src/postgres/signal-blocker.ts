import { z } from 'zod';
import type { BlockerOutcome, BlockerSignal, SpareGuard } from '../runbook/ports/blockers.ts';
import type { Queryable } from './queryable.ts';
import { spareReasonSql, SpareReasonText } from './spare-reason.ts';

/**
 * $1 to $3 as in spare-reason.ts, $4 the identity as JSON, $5 cancel or terminate, $6 how much must be the same,
 * $7 pids of which one must still wait for it, $8 whether it must wait itself.
 *
 * One session in one statement, which reads it once: OFFSET 0 has the witnesses asked before that, so that nothing
 * slow stands between the check of the identity and the signal. A cancel goes only to a session that runs a
 * statement: one that rests ignores it, and would be reported as cancelled.
 */
const statement = /* sql */ `
SELECT CASE
    WHEN a.pid IS NULL THEN 'already gone'
    WHEN a.backend_start IS NULL THEN 'hidden'
    WHEN a.backend_start <> w."startedAt" THEN 'already gone'
    WHEN a.spared IS NOT NULL THEN a.spared
    WHEN (a.usename, a.application_name) IS DISTINCT FROM (w."user", w.application) THEN 'moved on'
    WHEN $6::text <> 'session' AND a.xact_start IS DISTINCT FROM w."transactionStartedAt" THEN 'moved on'
    WHEN $6::text = 'statement' AND (a.state, a.state_change, a.query_start) IS DISTINCT FROM
         (w.state, w."stateChangedAt", w."queryStartedAt") THEN 'moved on'
    WHEN $5::text = 'cancel' AND a.state NOT IN ('active', 'fastpath function call') THEN 'moved on'
    WHEN $8::boolean AND a.wait_event_type IS DISTINCT FROM 'Lock' THEN 'moved on'
    WHEN NOT w.holds THEN 'released'
    WHEN CASE $5::text WHEN 'cancel' THEN pg_cancel_backend(a.pid)
                       WHEN 'terminate' THEN pg_terminate_backend(a.pid) END THEN 'signalled'
    ELSE 'already gone'
  END AS outcome
  FROM (SELECT i.*, cardinality($7::int[]) = 0 OR EXISTS (
                 SELECT FROM unnest($7::int[]) v
                  WHERE i.pid = ANY (pg_blocking_pids(v) || pg_safe_snapshot_blocking_pids(v))) AS holds
          FROM jsonb_to_record($4::jsonb) AS i(pid int, "startedAt" timestamptz, "user" text, application text, state text,
                 "stateChangedAt" timestamptz, "transactionStartedAt" timestamptz, "queryStartedAt" timestamptz)
        OFFSET 0) w
  LEFT JOIN LATERAL (
    SELECT a.*, ${spareReasonSql({ protectedApplications: '$1', poolers: '$2', applicationRoles: '$3' })} AS spared
      FROM (SELECT s.pid, s.usesysid, s.application_name, s.state, s.state_change, s.xact_start, s.query_start,
                   s.wait_event_type, s.backend_start, s.backend_type, r.rolname::text AS usename, r.rolsuper, r.rolreplication
              FROM pg_stat_get_activity(w.pid) s LEFT JOIN pg_roles r ON r.oid = s.usesysid) a
  ) a ON true`;

const Row = z.object({
  outcome: z.union([
    z.enum(['signalled', 'already gone', 'moved on', 'released']),
    SpareReasonText,
  ]),
});

/** Cancels or terminates that one session if it still is what was approved; says what else it is. */
export async function signalBlocker(
  client: Queryable,
  { identity, how, same, queued, witnesses }: BlockerSignal,
  guard: SpareGuard,
): Promise<BlockerOutcome> {
  const { protectedApplications, poolerApplications, applicationRoles } = guard;
  const { rows } = await client.query(statement, [
    protectedApplications,
    poolerApplications,
    applicationRoles,
    JSON.stringify(identity),
    how,
    same,
    witnesses,
    queued,
  ]);
  return Row.parse(rows[0]).outcome;
}
