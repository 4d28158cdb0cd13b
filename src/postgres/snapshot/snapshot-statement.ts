import { lingeringMs } from '../../runbook/snapshot/target.ts';
import type { Limits } from '../../runbook/snapshot/target.ts';
import { isReplicationRole } from '../skip-reason.ts';
import {
  isMaintenanceText,
  lockColumns,
  progress,
  progressColumns,
  untracked,
  waits,
} from './columns.ts';
import { isTextCut, textBytes } from './statement-text.ts';

/** So many sources a snapshot lists. */
const mostSources = 40;

interface SnapshotOptions {
  /** `server_version_num`, such as 180004. */
  readonly version: number;
  readonly limits: Limits;
  /** Slots a managed provider keeps for itself, on top of what its own settings tell. */
  readonly providerReserved: number;
}

/**
 * The one statement of a snapshot, for PostgreSQL 13 to 18: one row, one column, one JSON object that
 * `SnapshotRow` describes. Built from numbers of our own only. Whatever the server holds, the answer stays
 * below 320 kB: every list is cut, and so is every text.
 *
 * pg_stat_activity is read once; pg_locks only when somebody waits. pg_blocking_pids is asked for the first
 * waiters of each queue, not for all: it holds the lock table and answers with everybody ahead, so for
 * 1,000 waiters on one row it would give half a million pids. `to-reading.ts` does the rest.
 */
export function snapshotStatement(options: SnapshotOptions): string {
  return `WITH ${[
    moment(options),
    progressColumns(options.version),
    sessions(options),
    ...lockColumns(options.version),
    ...picks,
  ]
    .map((part) => part.trim())
    .join(',\n')}
SELECT json_build_object(${Object.entries(columns(options))
    .map(([name, sql]) => `'${name}', ${sql.trim()}`)
    .join(',\n')})::text AS look`;
}

export const microseconds = (time: string): string =>
  `to_char(${time} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

/** Null where there is no time; never below 0, though what started after `t` was taken would be. */
const seconds = (since: string): string => {
  const age = `round(extract(epoch FROM g.t - ${since})::numeric, 3)`;
  return `CASE WHEN ${age} < 0 THEN 0 ELSE ${age} END`;
};

/** The time a threshold lies back. */
const ago = (ms: number): string => `clock_timestamp() - ${whole(ms)} * interval '1 millisecond'`;

/** Now, and since when a session must be as it is to be over a limit. */
export function times(limits: Limits): string {
  return `clock_timestamp() AS t,
         ${ago(limits.idleInTransactionWarningMs)} AS idle_tx_warning, ${ago(limits.terminateIdleInTransactionMs)} AS idle_tx_end,
         ${ago(limits.terminateIdleMs)} AS idle_end, ${ago(limits.slowQueryMs)} AS slow,
         ${ago(lingeringMs(limits))} AS lingering`;
}

function moment({ version, limits, providerReserved }: SnapshotOptions): string {
  const setting = (name: string): string => `current_setting('${name}', true)`;
  return `g AS MATERIALIZED (
  SELECT ${times(limits)}, pg_backend_pid() AS me, r.oid AS role, r.rolsuper AS super, r.rolconnlimit AS role_limit,
         pg_has_role('pg_read_all_stats', 'USAGE') AS monitor, pg_has_role('pg_signal_backend', 'USAGE') AS signals,
         ${version >= 160_000 ? `pg_has_role('pg_use_reserved_connections', 'USAGE')` : 'r.rolsuper'} AS reserves,
         coalesce(nullif(${setting('reserved_connections')}, '')::int, 0) AS reserved,
         ${whole(providerReserved)} + coalesce(nullif(${setting('rds.rds_superuser_reserved_connections')}, '')::int, 0) AS provider,
         (SELECT oid FROM pg_database WHERE datname = current_database()) AS db
    FROM pg_roles r WHERE r.rolname = current_user)`;
}

function sessions({ version }: SnapshotOptions): string {
  return `s AS MATERIALIZED (
  SELECT a.pid, a.datid, a.datname, a.usesysid, a.usename, a.application_name AS app, host(a.client_addr) AS client, a.backend_type, a.state,
         a.wait_event_type AS wt, a.wait_event AS we, a.backend_start, a.xact_start, a.query_start, a.state_change,
         a.leader_pid, a.backend_xmin, a.backend_xid IS NOT NULL AS has_xid, a.pid IN (SELECT pid FROM progress) AS building, ${version >= 140_000 ? 'a.query_id' : 'NULL::bigint'} AS query_id, a.query,
         a.query = '<insufficient privilege>' AND a.usesysid IS NOT NULL AS hidden,
         coalesce(a.backend_type = 'client backend', false) AS is_client,
         coalesce(a.usesysid IN (SELECT oid FROM pg_roles WHERE rolsuper), false) AS superuser,
         coalesce(a.usesysid IN (SELECT oid FROM pg_roles r WHERE ${isReplicationRole('r')}), false) AS replication,
         a.pid = g.me OR (a.application_name = 'dbconn' AND a.usesysid = g.role) AS own
    FROM pg_stat_activity a, g)`;
}

/** Idle for long, and since shortly after its start: a pool at work comes back to its connections. */
const usedOnce = `state = 'idle' AND state_change < g.lingering AND state_change - backend_start < g.t - g.lingering`;

/** Idle for long, and used for some time before: what a client left behind that is gone, or a pool keeps for its next peak. */
const silent = `state = 'idle' AND state_change < g.idle_end AND NOT own AND state_change - backend_start >= g.t - g.lingering`;

/** The least, every tenth and the greatest of ages in seconds. */
const tenths = (since: string): string =>
  `percentile_cont(ARRAY[0, .1, .2, .3, .4, .5, .6, .7, .8, .9, 1]) WITHIN GROUP (ORDER BY greatest(0, round(extract(epoch FROM g.t - ${since})::numeric, 1)::float8))`;

/**
 * Who holds the connections; stands behind `g` and `s`. Where every process has a name of its own, as PgBouncer's
 * application_name_add_host makes them, names are cut before their first number: else forty rows would hide the rest.
 */
export const source = `named AS MATERIALIZED (SELECT count(DISTINCT app) > ${mostSources} AS cut FROM s WHERE is_client),
source AS MATERIALIZED (
  SELECT usename AS "user", CASE WHEN named.cut THEN coalesce(nullif(regexp_replace(app, '[^[:alpha:]]*[0-9].*$', ''), ''), app) ELSE app END AS application, client, datname AS database, count(*) AS total,
         count(*) FILTER (WHERE state = 'active') AS active, count(*) FILTER (WHERE state = 'idle') AS idle,
         count(*) FILTER (WHERE state = 'idle in transaction') AS "idleInTransaction",
         count(*) FILTER (WHERE state = 'idle in transaction (aborted)') AS "idleInTransactionAborted",
         count(*) FILTER (WHERE state LIKE 'idle in transaction%' AND state_change < g.idle_tx_end AND NOT own AND NOT replication) AS "idleInTransactionOverTerminate",
         count(*) FILTER (WHERE state = 'idle' AND state_change < g.idle_end AND NOT own AND NOT replication) AS "idleOverTerminate",
         count(*) FILTER (WHERE backend_start > g.t - interval '60 s') AS "newIn60s",
         max(${seconds('state_change')}) FILTER (WHERE state = 'idle') AS "oldestIdleSeconds",
         count(*) FILTER (WHERE ${usedOnce}) AS "usedOnce",
         ${tenths('backend_start')} FILTER (WHERE ${usedOnce}) AS "usedOnceAges",
         count(*) FILTER (WHERE ${silent}) AS silent,
         ${tenths('state_change')} FILTER (WHERE ${silent}) AS "silentAges",
         CASE WHEN count(*) FILTER (WHERE ${silent}) > 0 THEN ${tenths('backend_start')} END AS "openedAges"
    FROM s, g, named WHERE is_client GROUP BY 1, 2, 3, 4)`;

/** The sessions worth showing, the most telling first; a session that is several of these counts once. */
const picks = [
  source,
  `pick AS (
  (SELECT pid, 1 AS why, row_number() OVER (ORDER BY waits, held DESC) AS place FROM blocker ORDER BY waits, held DESC LIMIT 40)
  UNION ALL (SELECT pid, 2, row_number() OVER (ORDER BY xact_start) FROM s WHERE state LIKE 'idle in transaction%' AND NOT own ORDER BY xact_start LIMIT 40)
  UNION ALL (SELECT pid, 3, row_number() OVER (ORDER BY query_start) FROM s WHERE is_client AND state = 'active' AND NOT own ORDER BY query_start LIMIT 20)
  UNION ALL (SELECT pid, 4, row_number() OVER (ORDER BY place) FROM waiter ORDER BY place LIMIT 10)
  UNION ALL (SELECT pid, 5, row_number() OVER (ORDER BY state_change) FROM s WHERE is_client AND state = 'idle' AND NOT own ORDER BY state_change LIMIT 20)
  UNION ALL (SELECT pid, 6, row_number() OVER (ORDER BY backend_start) FROM s WHERE is_client AND NOT own ORDER BY backend_start LIMIT 10))`,
  `chosen AS MATERIALIZED (
  SELECT pid, row_number() OVER (ORDER BY min(why * 1000 + place)) AS place FROM pick GROUP BY pid ORDER BY place LIMIT 120)`,
];

export const largestSources = `(SELECT coalesce(json_agg(x), '[]') FROM (SELECT * FROM source ORDER BY total DESC, application LIMIT ${mostSources}) x)`;

/** As many as there are sources to show, and some for those that come before the next snapshot. */
const mostNames = 60;

function columns({ version }: SnapshotOptions): Record<string, string> {
  return {
    at: `(SELECT ${microseconds('t')} FROM g)`,
    version: String(whole(version)),
    startedAt: microseconds('pg_postmaster_start_time()'),
    inRecovery: 'pg_is_in_recovery()',
    capacity: `(SELECT json_build_object('maxConnections', current_setting('max_connections')::int,
      'superuserReserved', current_setting('superuser_reserved_connections')::int, 'reserved', reserved, 'providerReserved', provider) FROM g)`,
    counts: `(SELECT row_to_json(c) FROM (${counts}) c)`,
    sources: largestSources,
    sourcesTotal: '(SELECT count(*) FROM source)',
    roles: `(SELECT coalesce(json_agg(json_build_array(x.usesysid, x.usename, x.superuser, x.replication)), '[]')
      FROM (SELECT usesysid, usename, superuser, replication FROM s WHERE usename IS NOT NULL GROUP BY 1, 2, 3, 4 ORDER BY count(*) DESC LIMIT ${mostNames}) x)`,
    databases: `(SELECT coalesce(json_agg(json_build_array(x.datid, x.datname)), '[]')
      FROM (SELECT datid, datname FROM s WHERE datname IS NOT NULL GROUP BY 1, 2 ORDER BY count(*) DESC LIMIT ${mostNames}) x)`,
    connectionLimits: `(SELECT coalesce(json_agg(x), '[]') FROM (${connectionLimits}) x)`,
    sessions: `(SELECT coalesce(json_agg(x), '[]') FROM (${sessionRows}) x)`,
    waiters: `(SELECT coalesce(json_agg(json_build_array(w.pid, w.target, w.mode, ${seconds('w.waitstart')},
      a.total, a.pids) ORDER BY w.place), '[]') FROM g, waiter w LEFT JOIN asked a ON a.pid = w.pid)`,
    waitersTotal: '(SELECT count(*) FROM waiting)',
    targets: `(SELECT coalesce(json_agg(json_build_array(x.target, x.locktype, x.relation)), '[]') FROM lock_target x)`,
    snapshotWaits: `(SELECT coalesce(json_agg(json_build_array(x.pid, x.we, ${seconds('x.query_start')}, cardinality(x.pids), x.pids[1:50])), '[]') FROM snapshot_wait x, g)`,
    preparedHolds: `(SELECT coalesce(json_agg(json_build_array(x.target, x.mode, x.gid)), '[]') FROM prepared_hold x)`,
    prepared: `(SELECT coalesce(json_agg(x), '[]') FROM (SELECT gid, owner, database, ${seconds('prepared')} AS "ageSeconds"
      FROM pg_prepared_xacts, g ORDER BY prepared LIMIT 20) x)`,
    preparedTotal: '(SELECT count(*) FROM pg_prepared_xacts)',
    settings: `(SELECT coalesce(json_agg(x), '[]') FROM (${settings}) x)`,
    waits: `(SELECT coalesce(json_agg(x), '[]') FROM (${waits}) x)`,
    progress: `(SELECT coalesce(json_agg(x), '[]') FROM (${progress}) x)`,
    untracked: `(SELECT row_to_json(x) FROM (${untracked(version)}) x)`,
    statsResetAt: `(SELECT ${microseconds('max(stats_reset)')} FROM pg_stat_database)`,
    deadlocks: '(SELECT coalesce(sum(deadlocks), 0) FROM pg_stat_database)',
    sessionsBegan: sessionsBegan(version),
    standbys: `(SELECT coalesce(json_agg(x), '[]') FROM (${standbys}) x)`,
    visibility: `(SELECT json_build_object('monitor', monitor, 'role', current_user, 'roleSuperuser', super,
      'canSignal', signals, 'canUseReserved', reserves, 'roleConnectionLimit', role_limit) FROM g)`,
    managedBy,
  };
}

/** The role that a managed service gives its customers instead of a superuser. */
const managedBy = `(SELECT CASE rolname WHEN 'rds_superuser' THEN 'rds' WHEN 'cloudsqlsuperuser' THEN 'cloudsql' ELSE 'azure' END
  FROM pg_roles WHERE rolname IN ('rds_superuser', 'cloudsqlsuperuser', 'azure_pg_admin') LIMIT 1)`;

/** Counted once they are over, or after a second. */
export function sessionsBegan(version: number): string {
  return version >= 140_000
    ? '(SELECT coalesce(sum(sessions), 0)::bigint FROM pg_stat_database)'
    : 'NULL::bigint';
}

/** Stands behind `g`, `s` and `waiting`. A client that is waited for, maintenance and commits are not slow queries. */
export const counts = `SELECT count(*) FILTER (WHERE is_client) AS clients,
  count(*) FILTER (WHERE is_client AND state = 'active') AS active,
  count(*) FILTER (WHERE is_client AND state = 'idle') AS idle,
  count(*) FILTER (WHERE is_client AND state = 'idle in transaction') AS "idleInTransaction",
  count(*) FILTER (WHERE is_client AND state = 'idle in transaction (aborted)') AS "idleInTransactionAborted",
  count(*) FILTER (WHERE is_client AND state = 'starting') AS starting,
  count(*) FILTER (WHERE is_client AND (state IS NULL OR state IN ('disabled', 'fastpath function call'))) AS other,
  count(*) FILTER (WHERE is_client AND own) AS own,
  count(*) FILTER (WHERE is_client AND superuser) AS superuser,
  count(*) FILTER (WHERE hidden) AS hidden,
  (SELECT count(*) FROM waiting) AS "lockWaiting",
  count(*) FILTER (WHERE is_client AND backend_start > g.t - interval '10 s') AS "newIn10s",
  count(*) FILTER (WHERE is_client AND backend_start > g.t - interval '60 s') AS "newIn60s",
  count(*) FILTER (WHERE is_client AND backend_start > g.t - interval '300 s') AS "newIn300s",
  count(*) FILTER (WHERE is_client AND state LIKE 'idle in transaction%' AND state_change < g.idle_tx_warning AND NOT own) AS "idleInTransactionOverWarning",
  count(*) FILTER (WHERE is_client AND state LIKE 'idle in transaction%' AND state_change < g.idle_tx_end AND NOT own AND NOT replication) AS "idleInTransactionOverTerminate",
  count(*) FILTER (WHERE is_client AND state = 'idle' AND state_change < g.idle_end AND NOT own AND NOT replication) AS "idleOverTerminate",
  count(*) FILTER (WHERE is_client AND state = 'active' AND NOT own AND query_start < g.slow AND coalesce(wt NOT IN ('Lock', 'Client'), true)
    AND we IS DISTINCT FROM 'SyncRep' AND NOT building AND NOT ${isMaintenanceText('query')}) AS "slowQueries",
  count(*) FILTER (WHERE is_client AND state = 'active' AND NOT own AND query_start < g.slow AND wt = 'Client') AS "slowClients",
  count(*) FILTER (WHERE is_client AND we = 'SyncRep') AS committing,
  count(*) FILTER (WHERE backend_type = 'walsender') AS walsenders,
  count(*) FILTER (WHERE backend_type = 'parallel worker') AS "parallelWorkers",
  count(*) FILTER (WHERE backend_type = 'autovacuum worker') AS "autovacuumWorkers",
  count(*) AS processes
  FROM s, g`;

const connectionLimits = `SELECT * FROM (
    SELECT 'role' AS kind, r.rolname AS name, r.rolconnlimit AS "limit", count(s.pid) AS used
      FROM pg_roles r LEFT JOIN s ON s.usesysid = r.oid AND s.is_client WHERE r.rolconnlimit >= 0 GROUP BY 2, 3
    UNION ALL
    SELECT 'database', d.datname, d.datconnlimit, count(s.pid)
      FROM pg_database d LEFT JOIN s ON s.datname = d.datname AND s.is_client WHERE d.datconnlimit >= 0 GROUP BY 2, 3) l
  ORDER BY used::float / greatest("limit", 1) DESC, name LIMIT 40`;

/** The first forty texts are kept long enough to be fingerprinted. In base64 no text is blown up by JSON's escapes. */
const textSize = 'CASE WHEN c.place <= 40 THEN 1000 ELSE 300 END';

const sessionRows = `SELECT s.pid, ${microseconds('s.backend_start')} AS "startedAt", s.usename AS "user", s.app AS application, s.client, s.datname AS database,
    coalesce(s.backend_type, 'unknown') AS "backendType", coalesce(s.state, 'unknown') AS state, ${microseconds('s.state_change')} AS "stateChangedAt",
    ${microseconds('s.xact_start')} AS "transactionStartedAt", coalesce(${seconds('s.backend_start')}, 0) AS "connectionAgeSeconds",
    ${seconds('s.xact_start')} AS "transactionAgeSeconds", ${seconds('s.query_start')} AS "queryAgeSeconds", ${seconds('s.state_change')} AS "stateAgeSeconds",
    s.wt AS "waitEventType", s.we AS "waitEvent", s.has_xid AS "hasWritten", s.superuser, s.replication, s.own,
    s.is_client AND NOT s.own AND coalesce(g.super OR NOT s.superuser AND (g.signals OR pg_has_role(s.usesysid, 'USAGE')), false) AS "canSignal",
    CASE WHEN s.hidden THEN NULL ELSE ${textBytes('s.query', textSize)} END AS query, ${isTextCut('s.query', textSize)} AS cut,
    s.query_id::text AS "queryId"
  FROM chosen c JOIN s ON s.pid = c.pid CROSS JOIN g ORDER BY c.place`;

const settingNames = [
  'max_connections superuser_reserved_connections reserved_connections max_prepared_transactions max_wal_senders',
  'idle_in_transaction_session_timeout idle_session_timeout transaction_timeout client_connection_check_interval',
  'tcp_keepalives_idle authentication_timeout deadlock_timeout max_locks_per_transaction shared_buffers work_mem',
  'track_activity_query_size compute_query_id log_connections',
].flatMap((line) => line.split(' '));

const settings = `SELECT name, left(setting, 200) AS value, unit, source, pending_restart AS "pendingRestart" FROM pg_settings
  WHERE name = ANY ('{${settingNames.join(',')}}') OR pending_restart ORDER BY name LIMIT 40`;

/** pg_stat_replication would read all sessions a second time. */
const standbys = `SELECT s.app AS application, coalesce(w.state, 'unknown') AS state, round(extract(epoch FROM w.replay_lag)::numeric, 3) AS "replayLagSeconds"
  FROM pg_stat_get_wal_senders() w JOIN s ON s.pid = w.pid ORDER BY s.app LIMIT 20`;

/** What may stand in a statement without quotes. */
export function whole(value: number): number {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not a whole number.`);
  return value;
}
