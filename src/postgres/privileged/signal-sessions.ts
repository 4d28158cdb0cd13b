import { z } from 'zod';
import type { SkipGuard, TerminateGuard } from '../../runbook/diagnose/protected-sessions.ts';
import { SignalOutcome } from '../../runbook/remedies/a-terminate-idle/ports.ts';
import { BlockerOutcome } from '../../runbook/remedies/d-stop-blockers/ports.ts';
import type { BlockerSignal } from '../../runbook/remedies/d-stop-blockers/ports.ts';
import type { Lease } from '../../runbook/remedies/remedy.ts';
import { signalWithinMs } from '../../runbook/remedies/remedy.ts';
import type { SessionIdentity } from '../../runbook/remedies/plan.ts';
import { skipReasonSql, toSkipParameter } from '../skip-reason.ts';
import { microseconds } from '../snapshot/snapshot-statement.ts';
import type { Queryable } from './connection.ts';

const deadlineStatement = /* sql */ `
SELECT ${microseconds(`(clock_timestamp() + $1::float8 * interval '1 millisecond')`)} AS deadline`;

const DeadlineRow = z.object({ deadline: z.string() });

/**
 * Until when the next statement on this connection may signal, UTC text by the server's own clock: how far dbconn's
 * clock is off changes nothing. A statement that hung in the network while dbconn gave up on it comes too late, and one of
 * a process that was frozen before it is not sent: the lease has to last until the deadline.
 */
async function readSignalDeadline(client: Queryable, lease: Lease): Promise<string> {
  const withinMs = Math.min(signalWithinMs, lease.leftMs() / 2);
  const { rows } = await client.query(deadlineStatement, [withinMs]);
  lease.mustLast(withinMs);
  return DeadlineRow.parse(rows[0]).deadline;
}

/**
 * $1 as in skip-reason.ts, $2 the identity as JSON, $3 cancel or terminate, $4 how much must be the same, $5 the waiters
 * of which one must still wait for it, as JSON, or null, $6 whether it must wait itself, $7 the deadline.
 *
 * One session in one statement, which reads it once: OFFSET 0 has the waiters asked before that, so that nothing
 * slow comes between the check of the identity and the signal. PostgreSQL keeps what it read of the sessions until the
 * statement ends: CASE has a waiter's start read only once it is known to wait, which as a rule is the last thing asked
 * of the locks. A parallel group waits as its leader, which is what pg_blocking_pids is asked for and answers. A cancel goes only to a session that runs a
 * statement: one that rests ignores it, and would be reported as cancelled.
 */
const statement = /* sql */ `
SELECT CASE
    WHEN a.pid IS NULL THEN 'already gone'
    WHEN a.backend_start IS NULL THEN 'hidden'
    WHEN a.backend_start <> w."startedAt" THEN 'already gone'
    WHEN a.skipped IS NOT NULL THEN a.skipped
    WHEN (a.usename, a.application_name) IS DISTINCT FROM (w."user", w.application) THEN 'moved on'
    WHEN $4::text <> 'session' AND a.xact_start IS DISTINCT FROM w."transactionStartedAt" THEN 'moved on'
    WHEN $4::text = 'statement' AND (a.state, a.state_change, a.query_start) IS DISTINCT FROM
         (w.state, w."stateChangedAt", w."queryStartedAt") THEN 'moved on'
    WHEN $3::text = 'cancel' AND a.state NOT IN ('active', 'fastpath function call') THEN 'moved on'
    WHEN $6::boolean AND a.wait_event_type IS DISTINCT FROM 'Lock' THEN 'moved on'
    WHEN NOT w.holds THEN 'released'
    WHEN clock_timestamp() >= $7::timestamptz THEN 'too late'
    WHEN CASE $3::text WHEN 'cancel' THEN pg_cancel_backend(a.pid)
                       WHEN 'terminate' THEN pg_terminate_backend(a.pid) END THEN 'signalled'
    ELSE 'already gone'
  END AS outcome
  FROM (SELECT i.*, $5::jsonb IS NULL OR EXISTS (
                 SELECT FROM jsonb_to_recordset($5::jsonb) AS v(pid int, "startedAt" timestamptz)
                  WHERE CASE WHEN i.pid = ANY (pg_blocking_pids(v.pid) || pg_safe_snapshot_blocking_pids(v.pid)) THEN
                    EXISTS (SELECT FROM pg_stat_get_activity(v.pid) s WHERE s.backend_start = v."startedAt") END) AS holds
          FROM jsonb_to_record($2::jsonb) AS i(pid int, "startedAt" timestamptz, "user" text, application text, state text,
                 "stateChangedAt" timestamptz, "transactionStartedAt" timestamptz, "queryStartedAt" timestamptz)
        OFFSET 0) w
  LEFT JOIN LATERAL (
    SELECT a.*, ${skipReasonSql('$1')} AS skipped
      FROM (SELECT s.pid, s.usesysid, s.application_name, s.state, s.state_change, s.xact_start, s.query_start,
                   s.wait_event_type, s.wait_event, s.backend_start, s.backend_type, r.rolname::text AS usename, r.rolsuper, r.rolreplication
              FROM pg_stat_get_activity(w.pid) s LEFT JOIN pg_roles r ON r.oid = s.usesysid) a
  ) a ON true`;

const Row = z.object({ outcome: BlockerOutcome });

/** Cancels or terminates that one session if it still is what was approved; says what else it is. */
export async function signalBlocker(
  client: Queryable,
  { identity, how, same, queued, waiters }: BlockerSignal,
  { guard, lease }: { readonly guard: SkipGuard; readonly lease: Lease },
): Promise<BlockerOutcome> {
  const { rows } = await client.query(statement, [
    toSkipParameter(guard, [identity.application]),
    JSON.stringify(identity),
    how,
    same,
    waiters && JSON.stringify(waiters),
    queued,
    await readSignalDeadline(client, lease),
  ]);
  return Row.parse(rows[0]).outcome;
}

/**
 * $1 the approved sessions, $2 as in skip-reason.ts, $3 the plan's threshold in milliseconds, $4 the deadline.
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
    WHEN a.skipped IS NOT NULL THEN a.skipped
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
    SELECT a.*, ${skipReasonSql('$2')} AS skipped
      FROM (SELECT s.pid, s.usesysid, s.application_name, s.state, s.state_change, s.xact_start, s.wait_event, s.backend_start,
                   s.backend_type, r.rolname::text AS usename, r.rolsuper, r.rolreplication
              FROM pg_stat_get_activity(fresh.pid) s LEFT JOIN pg_roles r ON r.oid = s.usesysid) a
  ) a ON true`;

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
  return z.array(SignalOutcome).parse(rows);
}
