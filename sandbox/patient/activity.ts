import type { Client } from 'pg';
import { z } from 'zod';
import type { Limits } from '../../src/runbook/snapshot/target.ts';
import { adminApplication } from './schema.ts';

/** What PostgreSQL says an application's sessions are doing. */
export const ApplicationActivity = z.object({
  application: z.string(),
  total: z.number(),
  active: z.number(),
  idle: z.number(),
  /** Of them, those that are not just between two statements. */
  idleSettled: z.number(),
  idleInTransaction: z.number(),
  /** Of them, those that wrote. */
  written: z.number(),
  waitingForLocks: z.number(),
  /** The counts below are of those at it for at least as long as the limits say. */
  waitingLong: z.number(),
  slow: z.number(),
  idleInTransactionOld: z.number(),
});
export type ApplicationActivity = z.infer<typeof ApplicationActivity>;

/** A query begins before its wait does: with many new sessions at once, by some hundred milliseconds. */
const beforeWaitMs = 500;

const statement = `
  SELECT application_name AS application,
    count(*)::int AS total,
    count(*) FILTER (WHERE state = 'active')::int AS active,
    count(*) FILTER (WHERE state = 'idle')::int AS idle,
    count(*) FILTER (WHERE state = 'idle' AND state_age >= 250)::int AS "idleSettled",
    count(*) FILTER (WHERE state = 'idle in transaction')::int AS "idleInTransaction",
    count(*) FILTER (WHERE state = 'idle in transaction' AND backend_xid IS NOT NULL)::int AS written,
    count(*) FILTER (WHERE wait_event_type = 'Lock')::int AS "waitingForLocks",
    count(*) FILTER (WHERE wait_event_type = 'Lock' AND query_age >= $2 + ${beforeWaitMs})::int AS "waitingLong",
    count(*) FILTER (WHERE state = 'active' AND wait_event_type IS DISTINCT FROM 'Lock'
      AND query_age >= $3)::int AS slow,
    count(*) FILTER (WHERE state = 'idle in transaction' AND state_age >= $4)::int
      AS "idleInTransactionOld"
  FROM (
    SELECT *, 1000 * extract(epoch FROM clock_timestamp() - state_change) AS state_age,
      1000 * extract(epoch FROM clock_timestamp() - query_start) AS query_age
    FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name <> $1
  ) sessions
  GROUP BY 1`;

/** One row for each application with sessions, the sandbox's own left out. */
export async function readActivity(
  admin: Client,
  limits: Limits,
): Promise<readonly ApplicationActivity[]> {
  const { lockWaitMs, slowQueryMs, terminateIdleInTransactionMs } = limits;
  const ages = [lockWaitMs, slowQueryMs, terminateIdleInTransactionMs];
  const { rows } = await admin.query(statement, [adminApplication, ...ages]);
  return z.array(ApplicationActivity).parse(rows);
}

/** That application's row, or one of zeros. */
export function activityOf(
  activity: readonly ApplicationActivity[],
  application: string,
): ApplicationActivity {
  return activity.find((row) => row.application === application) ?? { application, ...nothing };
}

const nothing = {
  total: 0,
  active: 0,
  idle: 0,
  idleSettled: 0,
  idleInTransaction: 0,
  written: 0,
  waitingForLocks: 0,
  waitingLong: 0,
  slow: 0,
  idleInTransactionOld: 0,
};
