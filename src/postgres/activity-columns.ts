/** What sessions are at, for the look's statements; behind `g` and `s`. */

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
