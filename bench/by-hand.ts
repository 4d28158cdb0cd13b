import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What the runbook has a person type: steps 1, 2, 3 and 5, six statements. */
const runbookStatements = [
  `SELECT count(*) as total, count(*) FILTER (WHERE state = 'active') as active,
     count(*) FILTER (WHERE state = 'idle') as idle,
     count(*) FILTER (WHERE state = 'idle in transaction') as idle_in_transaction FROM pg_stat_activity`,
  'SHOW max_connections',
  `SELECT client_addr, application_name, state, count(*) FROM pg_stat_activity
     GROUP BY client_addr, application_name, state ORDER BY count(*) DESC`,
  `SELECT pid, usename, application_name, state, now() - backend_start as connection_age,
     now() - query_start as query_age, query FROM pg_stat_activity
     WHERE backend_type = 'client backend' ORDER BY connection_age DESC LIMIT 10`,
  `SELECT pid, usename, state, now() - state_change as idle_time, query FROM pg_stat_activity
     WHERE state = 'idle in transaction' AND now() - state_change > interval '5 minutes' ORDER BY idle_time DESC`,
  `SELECT blocked_locks.pid AS blocked_pid, blocked_activity.usename AS blocked_user,
     blocking_locks.pid AS blocking_pid, blocking_activity.usename AS blocking_user,
     blocked_activity.query AS blocked_statement, blocking_activity.query AS blocking_statement
     FROM pg_catalog.pg_locks blocked_locks
     JOIN pg_catalog.pg_stat_activity blocked_activity ON blocked_activity.pid = blocked_locks.pid
     JOIN pg_catalog.pg_locks blocking_locks ON blocking_locks.locktype = blocked_locks.locktype
       AND blocking_locks.database = blocked_locks.database
       AND blocking_locks.relation = blocked_locks.relation AND blocking_locks.pid != blocked_locks.pid
     JOIN pg_catalog.pg_stat_activity blocking_activity ON blocking_activity.pid = blocking_locks.pid
     WHERE NOT blocked_locks.granted`,
] as const;

const bounded = { maxBuffer: 1 << 28 };

export async function sixProcesses(url: string): Promise<void> {
  for (const statement of runbookStatements) await run('psql', ['-Xqc', statement, url], bounded);
}

export async function oneSession(url: string): Promise<void> {
  const flags = runbookStatements.flatMap((statement) => ['-c', statement]);
  await run('psql', ['-Xq', ...flags, url], bounded);
}

/** A check's exit status is its verdict, not a failure of ours. */
export async function checkPostgres(url: string): Promise<void> {
  const { hostname, port, username, pathname } = new URL(url);
  const options = [`--host=${hostname}`, `--port=${port}`, `--dbuser=${username}`];
  const args = ['--action=backends', ...options, `--dbname=${pathname.slice(1)}`];
  await run('check_postgres', args, bounded).catch(() => undefined);
}

export function isInstalled(program: string): boolean {
  return (process.env['PATH'] ?? '')
    .split(':')
    .some((folder) => existsSync(`${folder}/${program}`));
}
