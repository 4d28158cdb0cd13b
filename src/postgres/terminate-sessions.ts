import { z } from 'zod';
import type { SignalOutcome, TerminateGuard } from '../runbook/snapshot/ports.ts';
import type { Lease } from '../runbook/remedies/lease.ts';
import type { SessionIdentity } from '../runbook/remedies/targets/session.ts';
import type { Queryable } from './queryable.ts';
import { readSignalDeadline } from './signal-deadline.ts';
import { skipReasonSql, SkipReasonText, toSkipParameter } from './skip-reason.ts';

/**
 * $1 the approved sessions, $2 as in spare-reason.ts, $3 the plan's threshold in milliseconds, $4 the deadline.
 *
 * pg_stat_activity is a copy that a statement takes once, and a session checked at its end may have worked since
 * its beginning. So each session is read on its own (`fresh`, which throws the copy away), checked and signalled
 * before the next is read. LATERAL forces that order: the plan is a chain of nested loops, and a row leaves it,
 * signal and all, before the next one enters. There is no ORDER BY, for sorting would put all checks before all signals.
 */
const terminateStatement = /* sql */ `
SELECT w.pid, CASE
    WHEN a.pid IS NULL THEN 'already gone'
    WHEN a.backend_start IS NULL THEN 'hidden'
    WHEN a.backend_start <> w."startedAt" THEN 'already gone'
    WHEN a.spared IS NOT NULL THEN a.spared
    WHEN (a.usename, a.application_name, a.state, a.state_change, a.xact_start) IS DISTINCT FROM
         (w."user", w.application, w.state, w."stateChangedAt", w."transactionStartedAt") THEN 'moved on'
    WHEN a.state_change > clock_timestamp() - $3::float8 * interval '1 millisecond' THEN 'moved on'
    WHEN clock_timestamp() >= $4::timestamptz THEN 'too late'
    WHEN pg_terminate_backend(a.pid) THEN 'signalled'
    ELSE 'already gone'
  END AS outcome
  FROM jsonb_to_recordset($1::jsonb) AS w(pid int, "startedAt" timestamptz, "user" text, application text,
         state text, "stateChangedAt" timestamptz, "transactionStartedAt" timestamptz)
 CROSS JOIN LATERAL (SELECT pg_stat_clear_snapshot(), w.pid AS pid OFFSET 0) fresh
  LEFT JOIN LATERAL (
    SELECT a.*, ${skipReasonSql('$2')} AS spared
      FROM (SELECT s.pid, s.usesysid, s.application_name, s.state, s.state_change, s.xact_start, s.wait_event, s.backend_start,
                   s.backend_type, r.rolname::text AS usename, r.rolsuper, r.rolreplication
              FROM pg_stat_get_activity(fresh.pid) s LEFT JOIN pg_roles r ON r.oid = s.usesysid) a
  ) a ON true`;

const TerminateRow = z.object({
  pid: z.number().int(),
  outcome: z.union([z.enum(['signalled', 'already gone', 'moved on', 'too late']), SkipReasonText]),
});

/** Tells those sessions to end that still are exactly what was approved. One statement, never half an answer, never late. */
export async function terminateSessions(
  client: Queryable,
  sessions: readonly SessionIdentity[],
  { guard, lease }: { readonly guard: TerminateGuard; readonly lease: Lease },
): Promise<readonly SignalOutcome[]> {
  const { rows } = await client.query(terminateStatement, [
    JSON.stringify(sessions),
    toSkipParameter(
      guard,
      sessions.map(({ application }) => application),
    ),
    guard.idleForMs,
    await readSignalDeadline(client, lease),
  ]);
  return z.array(TerminateRow).parse(rows);
}
