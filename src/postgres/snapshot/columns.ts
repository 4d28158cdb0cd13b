/** What sessions are at, for the snapshot's statements; behind `g` and `s`. */

/** Seconds after which a wait is more than the blink of a server at work. */
const lastingSeconds = 1;

/** What active clients wait for, dbconn's own apart; without a wait event they compute. */
export const waits = `SELECT wt AS type, we AS event, count(*) AS sessions,
         count(*) FILTER (WHERE query_start < g.t - ${lastingSeconds} * interval '1 s') AS lasting
    FROM s, g WHERE is_client AND NOT own AND state = 'active' GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 40`;

/** Statements that change a schema, build, clean up or load, behind comments too; no backslash, whatever standard_conforming_strings says. */
const maintenanceStart =
  '^([[:space:]]|--[^\n]*\n|/[*].*?[*]/)*(alter|analyze|cluster|copy|create[[:space:]]+(unique[[:space:]]+)?index|drop|reindex|refresh|truncate|vacuum)[[:space:]]';

/** Whether that is the text of such a statement; of bytes, see `textBytes`. */
export function isMaintenanceText(query: string): string {
  return `encode(substring(replace(${query}, chr(92), repeat(chr(92), 2))::bytea FROM 1 FOR 300), 'escape') ~* '${maintenanceStart}'`;
}

/** pg_stat_progress_* (PostgreSQL documentation 27.4): pid, what it does, phase, done and total of that phase. */
export function progressColumns(version: number): string {
  const views = [
    [
      'create_index',
      'command',
      'phase',
      'CASE WHEN tuples_total > 0 THEN tuples_done ELSE blocks_done END',
      'CASE WHEN tuples_total > 0 THEN tuples_total ELSE blocks_total END',
    ],
    ['cluster', 'command', 'phase', 'heap_blks_scanned', 'heap_blks_total'],
    ['vacuum', `'VACUUM'`, 'phase', 'heap_blks_scanned', 'heap_blks_total'],
    ['analyze', `'ANALYZE'`, 'phase', 'sample_blks_scanned', 'sample_blks_total'],
    ...(version >= 140_000
      ? [['copy', `left(command, 4)`, 'NULL', 'bytes_processed', 'bytes_total']]
      : []),
  ];
  const selects = views.map(
    ([view, command, phase, done, total]) =>
      `SELECT pid, relid, datid, ${command} AS command, ${phase} AS phase, ${done} AS done, ${total} AS total FROM pg_stat_progress_${view}`,
  );
  return `progress AS MATERIALIZED (${selects.join('\n  UNION ALL ')})`;
}

/** Of the progress of a relation in this database also its name. */
export const progress = `SELECT p.pid, p.command, p.phase, p.done, p.total, CASE WHEN p.datid = g.db THEN p.relid::regclass::text END AS relation
    FROM progress p, g LIMIT 50`;

/**
 * With track_activities off only where a session waits is left of its state, and whether it holds a transaction.
 * Before PostgreSQL 14 not even the wait: pgstat_report_wait_start left it out.
 */
export function untracked(version: number): string {
  const holdsTransaction = `(has_xid OR pid IN (
           SELECT pid FROM pg_locks WHERE locktype = 'virtualxid' AND granted))`;
  const rests = `we = 'ClientRead'`;
  const columns =
    version < 140_000
      ? `NULL::int AS resting, count(*) FILTER (WHERE ${holdsTransaction}) AS "inTransaction"`
      : `count(*) FILTER (WHERE ${rests}) AS resting,
         count(*) FILTER (WHERE ${rests} AND ${holdsTransaction}) AS "inTransaction"`;
  return `SELECT count(*) AS sessions, ${columns} FROM s WHERE is_client AND state = 'disabled'`;
}

/**
 * The common table expressions about lock waits, for the snapshot's statement; they stand behind `g` and `s`.
 *
 * `startup`  the process that replays WAL on a standby.
 * `waiting`  everybody who waits for a lock, a parallel worker as its leader, with a number for what they wait for, their place in that queue
 *            among those who want the same mode, and their place by age.
 * `waiter`   the oldest 1,000 of them.
 * `asked`    the waiters pg_blocking_pids is asked for: the first eight of every queue, for short queues are
 *            cheap, then the next ones of all queues until 256 are asked.
 * `blocker`  who holds up somebody asked, those who do not wait themselves first.
 */
export function lockColumns(version: number): string[] {
  // PostgreSQL 13 does not tell since when: its queues are in the order of the statements' starts.
  const waitstart = version >= 140_000 ? 'l.waitstart' : 'NULL::timestamptz';
  const since = version >= 140_000 ? 'l.waitstart' : 's.query_start';
  return [
    `startup AS MATERIALIZED (SELECT pid, wt, we FROM s WHERE backend_type = 'startup' AND pg_is_in_recovery())`,
    `waiting AS MATERIALIZED (
  SELECT x.*, dense_rank() OVER (ORDER BY x.what) AS target, row_number() OVER (ORDER BY x.since, x.pid) AS place,
         row_number() OVER (PARTITION BY x.what, x.mode ORDER BY x.since, x.pid) AS turn
    FROM (SELECT DISTINCT ON (1) coalesce(s.leader_pid, l.pid) AS pid, l.mode, l.locktype, l.database, l.relation, ${waitstart} AS waitstart, ${since} AS since, ${what('l')} AS what
            FROM pg_locks l LEFT JOIN s ON s.pid = l.pid
           WHERE NOT l.granted AND l.pid IS NOT NULL AND EXISTS (SELECT FROM s WHERE s.wt = 'Lock' OR s.hidden) ORDER BY 1, since) x)`,
    `waiter AS MATERIALIZED (SELECT * FROM waiting WHERE place <= 1000)`,
    `asked AS MATERIALIZED (
  SELECT x.pid, x.holders, cardinality(x.pids) AS total, x.pids[1:50] AS pids
    FROM (SELECT y.pid, 0 = ANY (y.pids) AS holders, CASE WHEN 0 = ANY (y.pids) THEN 0 || array_remove(y.pids, 0) ELSE y.pids END AS pids
            FROM (SELECT z.pid, CASE WHEN z.pid IN (SELECT pid FROM startup) THEN ${holders} ELSE pg_blocking_pids(z.pid) END AS pids
                    FROM (SELECT pid, what, turn, row_number() OVER (ORDER BY turn, place) AS chance FROM waiter) z
                   WHERE z.turn <= 8 OR z.chance <= 256) y) x)`,
    `snapshot_wait AS MATERIALIZED (
  (SELECT pid, we, query_start, pg_safe_snapshot_blocking_pids(pid) AS pids FROM s WHERE we = 'SafeSnapshot' ORDER BY query_start LIMIT 50)
  UNION ALL SELECT pid, we, NULL, ${oldestSnapshot} FROM startup WHERE we LIKE 'RecoveryConflict%' OR we = 'BufferPin')`,
    `blocker AS MATERIALIZED (
  SELECT u AS pid, count(*) AS held, u IN (SELECT pid FROM waiting) AS waits
    FROM (SELECT pids FROM asked UNION ALL SELECT pids[1:50] FROM snapshot_wait) x, unnest(x.pids) u GROUP BY u)`,
    `lock_target AS (
  SELECT DISTINCT ON (w.target) w.target, w.locktype, CASE WHEN w.database IN (0, g.db) THEN w.relation::regclass::text END AS relation
    FROM waiter w, g ORDER BY w.target)`,
    preparedHold,
  ];
}

/**
 * Who holds what the startup process of a standby waits for. It replays the primary's exclusive locks, which everything
 * conflicts with, and pg_blocking_pids has no answer for it (measured on 13, 15 and 18).
 */
const holders = `ARRAY(SELECT DISTINCT coalesce(s.leader_pid, h.pid) FROM pg_locks h JOIN s ON s.pid = h.pid
                          WHERE h.granted AND h.pid <> z.pid AND ${what('h')} = z.what)`;

/** Replay that removes rows a query may still see waits for those with the oldest snapshot, no matter who else it waits for. */
const oldestSnapshot = `ARRAY(SELECT coalesce(leader_pid, pid) FROM s WHERE backend_xmin IS NOT NULL AND backend_type IN ('client backend', 'parallel worker')
                          ORDER BY age(backend_xmin) DESC LIMIT 1)`;

/** What a row of pg_locks is about, as one text. */
function what(alias: string): string {
  const names =
    'locktype database relation page tuple virtualxid transactionid classid objid objsubid';
  return `concat(${names
    .split(' ')
    .map((name) => `${alias}.${name}`)
    .join(`, '|', `)})`;
}

/**
 * Which prepared transactions hold what somebody waits for. They have no pid; all locks of one share their
 * virtual transaction, and one of these locks is its transaction id.
 */
const preparedHold = `prepared_hold AS (
  SELECT DISTINCT w.target, h.mode, p.gid
    FROM pg_locks h JOIN waiter w ON w.what = ${what('h')}
    JOIN pg_locks x ON x.virtualtransaction = h.virtualtransaction AND x.pid IS NULL AND x.locktype = 'transactionid'
    JOIN pg_prepared_xacts p ON p.transaction = x.transactionid
   WHERE h.granted AND h.pid IS NULL AND EXISTS (SELECT FROM asked WHERE holders)
   ORDER BY 1, 3 LIMIT 200)`;
