/**
 * The common table expressions about lock waits, for the look's statement; they stand behind `g` and `s`.
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

/** Replay that removes rows a query may still see waits for those with the oldest snapshot, whoever else it waits for. */
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
