import { z } from 'zod';
import { redactSql } from '../runbook/diagnose/redact.ts';
import { cutCodePoints } from '../runbook/diagnose/untrusted.ts';
import type { Blocker, SpareGuard } from '../runbook/ports/blockers.ts';
import { BlockerIdentity } from '../runbook/remedies/targets/blocker.ts';
import { microseconds } from './look-statement.ts';
import type { Queryable } from './queryable.ts';
import { spareReasonSql, SpareReasonText } from './spare-reason.ts';

const queryCodePoints = 120;

/**
 * $1 pids, $2 to $4 as in spare-reason.ts. What is hidden from the acting role is empty, and spared for it.
 * Locks: those others can wait for, its own virtualxid excluded.
 */
const statement = /* sql */ `
SELECT jsonb_build_object(
    'identity', jsonb_build_object(
      'pid', a.pid, 'startedAt', coalesce(${microseconds('a.backend_start')}, ''), 'user', coalesce(a.usename, ''),
      'application', coalesce(a.application_name, ''), 'state', coalesce(a.state, ''),
      'stateChangedAt', coalesce(${microseconds('a.state_change')}, ''),
      'transactionStartedAt', ${microseconds('a.xact_start')}, 'queryStartedAt', ${microseconds('a.query_start')}),
    'client', host(a.client_addr), 'database', a.datname,
    'transactionAgeSeconds', CASE WHEN a.xact_start IS NOT NULL THEN
      greatest(0, round(extract(epoch FROM clock_timestamp() - a.xact_start)::numeric, 1)) END,
    'hasWritten', a.backend_xid IS NOT NULL,
    'locksHeld', (SELECT count(*) FROM pg_locks l WHERE l.pid = a.pid AND l.granted AND l.locktype <> 'virtualxid'),
    'query', a.query,
    'process', CASE WHEN a.backend_type = 'client backend' THEN 'client'
                    WHEN a.backend_type IS DISTINCT FROM 'autovacuum worker' THEN 'other'
                    WHEN a.query LIKE '%(to prevent wraparound)' THEN 'wraparound vacuum' ELSE 'autovacuum' END,
    'spared', ${spareReasonSql({ protectedApplications: '$2', poolers: '$3', applicationRoles: '$4' })}) AS blocker
  FROM (SELECT s.*, r.rolsuper, r.rolreplication
          FROM pg_stat_activity s LEFT JOIN pg_roles r ON r.oid = s.usesysid WHERE s.pid = ANY ($1::int[])) a`;

const Row = z.object({
  blocker: z.object({
    identity: BlockerIdentity,
    client: z.string().nullable(),
    database: z.string().nullable(),
    transactionAgeSeconds: z.number().nullable(),
    hasWritten: z.boolean(),
    locksHeld: z.number().int(),
    query: z
      .string()
      .nullable()
      .transform((text) => text && cutCodePoints(redactSql(text), queryCodePoints)),
    process: z.enum(['client', 'autovacuum', 'wraparound vacuum', 'other']).nullable(),
    spared: SpareReasonText.nullable(),
  }),
});

/** Who those sessions are and what they do now. A pid that is not there has no row. */
export async function readBlockers(
  client: Queryable,
  pids: readonly number[],
  guard: SpareGuard,
): Promise<readonly Blocker[]> {
  const { protectedApplications, poolerApplications, applicationRoles } = guard;
  const { rows } = await client.query(statement, [
    pids,
    protectedApplications,
    poolerApplications,
    applicationRoles,
  ]);
  return rows.map((row) => {
    const { blocker } = Row.parse(row);
    return { ...blocker, process: blocker.process ?? 'other' };
  });
}
