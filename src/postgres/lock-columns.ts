/**
 * The common table expressions about lock waits, for the look's statement; they stand behind `g` and `s`.
 *
 * `waiting`  everybody who waits for a lock, with a number for what they wait for, their place in that queue
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
    `waiting AS MATERIALIZED (
  SELECT x.*, dense_rank() OVER (ORDER BY x.what) AS target, row_number() OVER (ORDER BY x.since, x.pid) AS place,
         row_number() OVER (PARTITION BY x.what, x.mode ORDER BY x.since, x.pid) AS turn
    FROM (SELECT l.pid, l.mode, l.locktype, l.database, l.relation, ${waitstart} AS waitstart, ${since} AS since, ${what('l')} AS what
            FROM pg_locks l LEFT JOIN s ON s.pid = l.pid
           WHERE NOT l.granted AND l.pid IS NOT NULL AND EXISTS (SELECT FROM s WHERE s.wt = 'Lock' OR s.hidden)) x)`,
    `waiter AS MATERIALIZED (SELECT * FROM waiting WHERE place <= 1000)`,
    `asked AS MATERIALIZED (
  SELECT x.pid, x.holders, cardinality(x.pids) AS total, x.pids[1:50] AS pids
    FROM (SELECT y.pid, 0 = ANY (y.pids) AS holders, CASE WHEN 0 = ANY (y.pids) THEN 0 || array_remove(y.pids, 0) ELSE y.pids END AS pids
            FROM (SELECT z.pid, pg_blocking_pids(z.pid) AS pids
                    FROM (SELECT pid, turn, row_number() OVER (ORDER BY turn, place) AS chance FROM waiter) z
                   WHERE z.turn <= 8 OR z.chance <= 256) y) x)`,
    `safe AS MATERIALIZED (
  SELECT pid, query_start, pg_safe_snapshot_blocking_pids(pid) AS pids FROM s WHERE we = 'SafeSnapshot' ORDER BY query_start LIMIT 50)`,
    `blocker AS MATERIALIZED (
  SELECT u AS pid, count(*) AS held, u IN (SELECT pid FROM waiting) AS waits
    FROM (SELECT pids FROM asked UNION ALL SELECT pids[1:50] FROM safe) x, unnest(x.pids) u GROUP BY u)`,
    `lock_target AS (
  SELECT DISTINCT ON (w.target) w.target, w.locktype, CASE WHEN w.database IN (0, g.db) THEN w.relation::regclass::text END AS relation
    FROM waiter w, g ORDER BY w.target)`,
    preparedHold,
  ];
}

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
