import { describe, expect, test } from 'vitest';
import { countLog } from './read-log.ts';

/** Sentences of a server in another language, so that only the code can tell. */
const full = 'tut mir leid, schon zu viele Verbindungen';

describe('a SQLSTATE is read in the notation of', () => {
  test.each([
    ['log_error_verbosity = verbose', `FATAL:  53300: ${full}\nLOCATION:  InitProcess, proc.c:358`],
    ['the same in a translated server', `2026-01-05 10:00:00 CET [81] FEHLER:  53300: ${full}`],
    ['log_line_prefix with %e', `2026-01-05 10:00:00 CET [81] 53300 FEHLER:  ${full}`],
    [
      'csvlog',
      `2026-01-05 10:00:00.123 UTC,"app","shop",81,"172.18.0.7:41234",695b8f40.51,1,"startup",2026-01-05 10:00:00 UTC,,0,FATAL,53300,"${full}",,,,,,,,,"","client backend",,0`,
    ],
    ['jsonlog', `{"pid":79,"error_severity":"FATAL","state_code":"53300","message":"${full}"}`],
    ['logfmt', `time=2026-01-05 level=error msg="${full}" sqlstate=53300`],
    ['node-postgres', `error: ${full}\n    at parse (/app/a.js:1:1) {\n  code: '53300'\n}`],
    ['pino', `{"level":50,"err":{"message":"${full}","code":"53300"},"msg":"request failed"}`],
    ['Npgsql', `Npgsql.PostgresException (0x80004005): 53300: ${full}`],
    ['pgx', `failed to connect: server error (FATAL: ${full} (SQLSTATE 53300))`],
    ['lib/pq', `pq: ${full} (53300)`],
    ['Hibernate', `WARN o.h.e.jdbc.spi.SqlExceptionHelper : SQL Error: 0, SQLState: 53300`],
    ['R2DBC', `PostgresqlNonTransientResourceException: [53300] ${full}`],
    ['PHP', `PDOException: SQLSTATE[53300]: Too many connections: 7 FATAL:  ${full}`],
    ['Postgrex', `** (Postgrex.Error) FATAL 53300 (too_many_connections) ${full}`],
    ['sqlx', `Database(PgDatabaseError { severity: Fatal, code: "53300", message: "${full}" })`],
    [
      'asyncpg, by the name of the condition',
      `asyncpg.exceptions.TooManyConnectionsError: ${full}`,
    ],
    ['psycopg, by the name of the condition', `psycopg.errors.TooManyConnections: ${full}`],
  ])('%s', (_, log) => {
    expect(countLog(log)).toEqual({ 'slots-full': 1 });
  });
});

describe('one code, several meanings', () => {
  test.each([
    ['role-or-database-limit', `{ code: '53300', routine: 'InitializeSessionUserId' } ${full}`],
    [
      'role-or-database-limit',
      `FATAL:  53300: ${full}\n\tLOCATION:  CheckMyDatabase, postinit.c:1`,
    ],
    ['slots-reserved', `{ code: '53300', routine: 'InitPostgres' } ${full}`],
    ['slots-reserved', 'SQLSTATE 53300: remaining connection slots are reserved for superusers'],
    ['pooler-query-wait', "error: query_wait_timeout { code: '57014' }"],
    ['pooler-limit', 'FATAL: no more connections allowed (max_client_conn) (SQLSTATE 08P01)'],
    ['statement-timeout', "error: storniere Anfrage { code: '57014' }"],
  ])('%s: %s', (name, log) => {
    expect(countLog(log)).toEqual({ [name]: 1 });
  });

  test('a known text says more than a client library code', () => {
    const text =
      'SQLSTATE[08006] [7] connection to server failed: FATAL:  sorry, too many clients already';
    expect(countLog(text)).toEqual({ 'slots-full': 1 });
    expect(countLog('SQLSTATE[08006] [7] Verbindung verloren')).toEqual({ 'connection-lost': 1 });
    expect(countLog('PSQLException: verweigert, SQLState: 08001')).toEqual({ unreachable: 1 });
  });
});

describe('five digits that are no SQLSTATE', () => {
  test.each([
    '2026-01-05 10:00:00.000 UTC [53300] LOG:  checkpoint starting: time',
    '2026-01-05 10:00:00.000 UTC [53300] ERROR:  relation "x" does not exist',
    '[2026-01-05 10:00:01 +0000] [53300] [ERROR] Error handling request /orders',
    '[2026-01-05 10:00:01 +0000] [57014] [INFO] Booting worker with pid: 57014',
    'Jan 05 10:00:01 host app[53300]: started',
    'listening on port 53300',
    'GET /orders 200 in 53300 ms',
    'order 28000: 3 items',
    '{"level":"info","msg":"started","pid":53300,"port":57014}',
    'worker (53300) started',
  ])('%s', (log) => {
    expect(countLog(log)).toEqual({});
  });

  test('a canceled query and a missing walsender slot are no trouble of clients', () => {
    const log = [
      'ERROR:  57014: canceling statement due to user request',
      'ERROR:  57014: canceling autovacuum task',
      'FATAL:  53300: number of requested standby senders exceeds max_wal_senders (currently 10)',
    ].join('\n');
    expect(countLog(log)).toEqual({});
  });
});
