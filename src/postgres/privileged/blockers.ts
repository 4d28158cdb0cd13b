import { z } from 'zod';
import { Process, SkipReason, skipByName } from '../../runbook/diagnose/protected-sessions.ts';
import type { SkipGuard } from '../../runbook/diagnose/protected-sessions.ts';
import type { Blocker, Blockers, SlowQuery } from '../../runbook/remedies/d-stop-blockers/ports.ts';
import { BlockerTarget, WaiterIdentity } from '../../runbook/remedies/plan.ts';
import type { LockReading } from '../../runbook/snapshot/snapshot.ts';
import { skipReasonSql, toSkipParameter } from '../skip-reason.ts';
import { isMaintenanceText, lockColumns } from '../snapshot/columns.ts';
import { SnapshotRow } from '../snapshot/snapshot-row.ts';
import { microseconds } from '../snapshot/snapshot-statement.ts';
import {
  isTextCut,
  planTextBytes,
  readPlanStatement,
  textBytes,
} from '../snapshot/statement-text.ts';
import { readLocks } from '../snapshot/to-reading.ts';
import { privileged, readVersion } from './connection.ts';
import type { Queryable } from './connection.ts';
import { signalBlocker } from './signal-sessions.ts';

/**
 * $1 pids, $2 as in skip-reason.ts. What is hidden from the privileged role is empty, and skipped for it.
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
    'query', ${textBytes('a.query', planTextBytes)}, 'cut', ${isTextCut('a.query', planTextBytes)},
    'process', CASE WHEN a.backend_type = 'client backend' THEN
                      CASE WHEN a.state = 'active' AND a.wait_event_type = 'Client' THEN 'slow client'
                           WHEN EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.pid = a.pid AND p.command LIKE '%CONCURRENTLY')
                           THEN 'concurrent build' ELSE 'client' END
                    WHEN a.backend_type IS DISTINCT FROM 'autovacuum worker' THEN 'other'
                    WHEN a.query LIKE '%(to prevent wraparound)' THEN 'wraparound vacuum' ELSE 'autovacuum' END,
    'skipped', ${skipReasonSql('$2')}) AS blocker
  FROM (SELECT s.*, r.rolsuper, r.rolreplication
          FROM pg_stat_activity s LEFT JOIN pg_roles r ON r.oid = s.usesysid WHERE s.pid = ANY ($1::int[])) a`;

const Row = z.object({
  blocker: BlockerTarget.omit({
    kind: true,
    how: true,
    queued: true,
    victims: true,
    waiters: true,
  }).extend({
    cut: z.boolean().nullable(),
    process: Process.nullable(),
    skipped: SkipReason.nullable(),
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
    const { query, cut, process, skipped, ...blocker } = Row.parse(row).blocker;
    return {
      ...blocker,
      skipped: skipped ?? skipByName(blocker.identity.application, guard),
      query: readPlanStatement(query, cut === true),
      process: process ?? 'other',
    };
  });
}

const waitersStatement = /* sql */ `
SELECT jsonb_build_object('pid', pid, 'startedAt', ${microseconds('backend_start')}) AS waiter
  FROM pg_stat_activity WHERE pid = ANY ($1::int[]) AND backend_start IS NOT NULL`;

const WaiterRow = z.object({ waiter: WaiterIdentity });

/** Which sessions have those pids now. One that is gone, or hidden from the privileged role, has no row. */
async function readWaiters(
  client: Queryable,
  pids: readonly number[],
): Promise<readonly WaiterIdentity[]> {
  const { rows } = await client.query(waitersStatement, [pids]);
  return rows.map((row) => WaiterRow.parse(row).waiter);
}

const WaitsRow = z.object({
  waits: SnapshotRow.pick({
    waiters: true,
    waitersTotal: true,
    targets: true,
    snapshotWaits: true,
    preparedHolds: true,
  }),
});

/** Who waits for whom: the locks' part of a snapshot, alone. */
export async function readWaits(client: Queryable): Promise<LockReading> {
  const { rows } = await client.query(waitsStatement(await readVersion(client)), []);
  return readLocks(WaitsRow.parse(rows[0]).waits);
}

/** `since` is the wait's start, and where PostgreSQL (13) does not tell that, the statement's. */
function waitsStatement(version: number): string {
  const seconds = (since: string): string =>
    `greatest(0, round(extract(epoch FROM g.t - ${since})::numeric, 3))`;
  return /* sql */ `
WITH g AS MATERIALIZED (
  SELECT clock_timestamp() AS t, (SELECT oid FROM pg_database WHERE datname = current_database()) AS db),
s AS MATERIALIZED (
  SELECT a.pid, a.wait_event_type AS wt, a.wait_event AS we, a.query_start, a.backend_type, a.leader_pid, a.backend_xmin,
         a.query = '<insufficient privilege>' AND a.usesysid IS NOT NULL AS hidden FROM pg_stat_activity a),
${lockColumns(version).join(',\n')}
SELECT json_build_object(
  'waiters', (SELECT coalesce(json_agg(json_build_array(w.pid, w.target, w.mode, ${seconds('w.since')}, a.total, a.pids)
                ORDER BY w.place), '[]') FROM g, waiter w LEFT JOIN asked a ON a.pid = w.pid),
  'waitersTotal', (SELECT count(*) FROM waiting),
  'targets', (SELECT coalesce(json_agg(json_build_array(x.target, x.locktype, x.relation)), '[]') FROM lock_target x),
  'snapshotWaits', (SELECT coalesce(json_agg(json_build_array(x.pid, x.we, ${seconds('x.query_start')},
                      cardinality(x.pids), x.pids[1:50])), '[]') FROM snapshot_wait x, g),
  'preparedHolds', (SELECT coalesce(json_agg(json_build_array(x.target, x.mode, x.gid)), '[]') FROM prepared_hold x)
) AS waits`;
}

/** As `counts` of the snapshot: who waits for a lock is a victim, a commit is done already, and maintenance is meant to take long. */
const slowStatement = /* sql */ `
SELECT pid FROM pg_stat_activity
 WHERE backend_type = 'client backend' AND state = 'active' AND pid <> pg_backend_pid()
   AND wait_event_type IS DISTINCT FROM 'Lock' AND wait_event IS DISTINCT FROM 'SyncRep'
   AND (wait_event_type = 'Client' OR NOT ${isMaintenanceText('query')})
   AND query_start < clock_timestamp() - $1 * interval '1 millisecond'
 ORDER BY query_start, pid LIMIT $2`;

const SlowRow = z.object({ pid: z.number().int() });

/** Whose statement has run for so long, longest first. */
async function readSlow(
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

/** @param url a role with pg_monitor and pg_signal_backend; a superuser where the application is one */
export function createBlockers({ url }: { readonly url: string }): Blockers {
  return privileged(url, (client) => ({
    readWaits: () => readWaits(client),
    readWaiters: (pids) => readWaiters(client, pids),
    readSlow: (slow, guard) => readSlow(client, slow, guard),
    readBlockers: (pids, guard) => readBlockers(client, pids, guard),
    signalBlocker: (signal, under) => signalBlocker(client, signal, under),
  }));
}
