import { z } from 'zod';
import { cutCodePoints } from '../runbook/diagnose/untrusted.ts';
import type { Blocker, SkipGuard } from '../runbook/remedies/d-stop-blockers/ports.ts';
import { skipByName } from '../runbook/remedies/protected-names.ts';
import { BlockerIdentity } from '../runbook/remedies/targets/blocker.ts';
import { microseconds } from './snapshot/snapshot-statement.ts';
import type { Queryable } from './queryable.ts';
import { isTextCut, readStatement, textBytes } from './snapshot/statement-text.ts';
import { skipReasonSql, SkipReasonText, toSkipParameter } from './skip-reason.ts';

const queryCodePoints = 120;
const textBytesRead = 500;

/**
 * $1 pids, $2 as in spare-reason.ts. What is hidden from the acting role is empty, and spared for it.
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
    'query', ${textBytes('a.query', textBytesRead)}, 'cut', ${isTextCut('a.query', textBytesRead)},
    'process', CASE WHEN a.backend_type = 'client backend' THEN
                      CASE WHEN a.state = 'active' AND a.wait_event_type = 'Client' THEN 'slow client'
                           WHEN EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.pid = a.pid AND p.command LIKE '%CONCURRENTLY')
                           THEN 'concurrent build' ELSE 'client' END
                    WHEN a.backend_type IS DISTINCT FROM 'autovacuum worker' THEN 'other'
                    WHEN a.query LIKE '%(to prevent wraparound)' THEN 'wraparound vacuum' ELSE 'autovacuum' END,
    'spared', ${skipReasonSql('$2')}) AS blocker
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
    query: z.string().nullable(),
    cut: z.boolean().nullable(),
    process: z
      .enum([
        'client',
        'slow client',
        'concurrent build',
        'autovacuum',
        'wraparound vacuum',
        'other',
      ])
      .nullable(),
    spared: SkipReasonText.nullable(),
  }),
});

/** Who those sessions are and what they do now. A pid that is not there has no row. */
export async function readBlockers(
  client: Queryable,
  pids: readonly number[],
  guard: SkipGuard,
): Promise<readonly Blocker[]> {
  const { rows } = await client.query(statement, [pids, toSkipParameter(guard)]);
  return rows.map((row) => {
    const { query, cut, process, spared, ...blocker } = Row.parse(row).blocker;
    const statement = query === null ? null : readStatement(query, cut === true);
    return {
      ...blocker,
      spared: spared ?? skipByName(blocker.identity.application, guard),
      query: statement && cutCodePoints(statement.query, queryCodePoints),
      process: process ?? 'other',
    };
  });
}
