import { describe, expect, test } from 'vitest';
import { countLog } from './read-log.ts';

const refusal =
  'connection to server at "db" (172.18.0.2), port 5432 failed: FATAL:  sorry, too many clients already';
const queuePool =
  'QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00 (Background on this error at: https://sqlalche.me/e/20/3o7r)';
const traceback = `Traceback (most recent call last):
  File "/app/pool.py", line 10, in connect
    return driver.connect()
psycopg2.OperationalError: ${refusal}

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/app/main.py", line 3, in orders
sqlalchemy.exc.OperationalError: (psycopg2.OperationalError) ${refusal}
(Background on this error at: https://sqlalche.me/e/20/e3q8)`;

function headed(heading: (index: number) => string, text: string): string {
  return text
    .split('\n')
    .map((line, index) => `${heading(index)}${line}`)
    .join('\n');
}

function times(count: number, write: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => write(index)).join('\n');
}

describe('a traceback is one failure, whatever heads its lines', () => {
  test.each([
    ['nothing', () => ''],
    ['Compose', () => 'backend-1  | '],
    ['foreman with a time', () => '10:00:01 web.1   | '],
    ['PM2', () => '0|web  | '],
    ['syslog', () => 'Jan  5 10:00:01 host web[12]: '],
    ['Heroku', () => '2026-01-05T10:00:01.123456+00:00 app[web.1]: '],
    ['the runtime of Kubernetes', () => '2026-01-05T10:00:01.123456789Z stderr F '],
    ['two of them', () => 'web-1  | 2026-01-05T10:00:01.123456789Z stderr F '],
    ['colours', () => '\u001B[36mweb-1  |\u001B[0m '],
    ['the formatter of the logger', (n: number) => `2026-01-05 10:00:01,${100 + n} ERROR shop: `],
    ['the same blanks throughout', () => '      '],
  ])('%s', (_, heading) => {
    const log = times(3, (index) => `GET /orders ${index}\n${traceback}`);
    expect(countLog(headed(heading, log))).toEqual({ 'slots-full': 3 });
  });

  test('JSON around each line', () => {
    const wrap = (line: string): string =>
      JSON.stringify({ log: `${line}\n`, stream: 'stderr', time: '2026-01-05T10:00:01Z' });
    const log = times(3, () => traceback)
      .split('\n')
      .map(wrap);
    expect(countLog(log.join('\n'))).toEqual({ 'slots-full': 3 });
  });

  test('JSON around the whole', () => {
    const log = times(3, () =>
      JSON.stringify({ level: 'error', message: 'x', exc_info: traceback }),
    );
    expect(countLog(log)).toEqual({ 'slots-full': 3 });
  });

  test('psycopg and its list of the hosts it tried', () => {
    const log = `psycopg.OperationalError: connection failed: ${refusal}
Multiple connection attempts failed. All failures were:
- host: 'db', port: None, hostaddr: '172.18.0.2': connection failed: ${refusal}
- host: 'db', port: None, hostaddr: '172.18.0.3': connection failed: ${refusal}`;
    expect(countLog(log)).toEqual({ 'slots-full': 1 });
  });
});

describe('what two layers log of one failure counts once', () => {
  test('a line of the application, and the traceback of its server', () => {
    const log = times(
      3,
      (index) => `2026-01-05 10:00:0${index} ERROR shop could not load orders: ${queuePool}
INFO:     172.18.0.1:5${index} - "GET /orders HTTP/1.1" 500 Internal Server Error
ERROR:    Exception in ASGI application
Traceback (most recent call last):
  File "/app/main.py", line 3, in orders
sqlalchemy.exc.TimeoutError: ${queuePool}`,
    );
    expect(countLog(log)).toEqual({ 'pool-timeout': 3 });
  });

  test('a line that only mentions the connection, over its stack', () => {
    const log = times(2, (n) => `10:00:0${n} ERROR lost the connection\n${traceback}`);
    expect(countLog(log)).toEqual({ 'slots-full': 2 });
  });

  test('Hibernate, which logs what it throws', () => {
    const log = times(
      3,
      (
        n,
      ) => `2026-01-05T10:00:0${n}.001Z  WARN 1 --- [exec-${n}] o.h.engine.jdbc.spi.SqlExceptionHelper   : SQL Error: 0, SQLState: 53300
2026-01-05T10:00:0${n}.002Z ERROR 1 --- [exec-${n}] o.h.engine.jdbc.spi.SqlExceptionHelper   : FATAL: sorry, too many clients already
2026-01-05T10:00:0${n}.005Z ERROR 1 --- [exec-${n}] o.a.c.c.C.[.[.[/].[dispatcherServlet]    : Servlet.service() threw exception [Request processing failed] with root cause

org.postgresql.util.PSQLException: FATAL: sorry, too many clients already
\tat org.postgresql.core.v3.ConnectionFactoryImpl.doAuthentication(ConnectionFactoryImpl.java:693)
\tat com.zaxxer.hikari.pool.PoolBase.newConnection(PoolBase.java:364)`,
    );
    expect(countLog(log)).toEqual({ 'slots-full': 3 });
  });

  test("a pool's own error, which names the refusal as its cause", () => {
    const log = `10:00:00 ERROR HikariPool-1 - Connection is not available, request timed out after 30000ms
java.sql.SQLTransientConnectionException: HikariPool-1 - Connection is not available, request timed out after 30000ms
\tat com.zaxxer.hikari.pool.HikariPool.createTimeoutException(HikariPool.java:686)
Caused by: org.postgresql.util.PSQLException: FATAL: sorry, too many clients already
\tat org.postgresql.core.v3.ConnectionFactoryImpl.doAuthentication(ConnectionFactoryImpl.java:693)`;
    expect(countLog(log)).toEqual({ 'slots-full': 1 });
  });

  test('an error wrapped once more on its way up', () => {
    const inner = 'load orders: pq: sorry, too many clients already';
    const log = times(
      2,
      () => `2026/01/05 10:00:00 ${inner}\n2026/01/05 10:00:00 GET /orders: ${inner}`,
    );
    expect(countLog(log)).toEqual({ 'slots-full': 2 });
  });

  const rails = `ActiveRecord::ConnectionNotEstablished (${refusal}
):
  
Caused by:
PG::ConnectionBad (${refusal}
):
  
app/controllers/orders_controller.rb:5:in \`index'`;

  test('Rails, which gives the cause below, with and without its tags', () => {
    expect(countLog(times(3, () => rails))).toEqual({ 'slots-full': 3 });
    const tagged = (n: number): string =>
      headed(() => `F, [2026-01-05T10:00:0${n}.123456 #12] FATAL -- : [4f6b-${n}] `, rails);
    expect(countLog(times(3, tagged))).toEqual({ 'slots-full': 3 });
  });

  test('.NET, which gives the cause behind an arrow', () => {
    const log = times(
      2,
      () => `fail: Microsoft.EntityFrameworkCore.Query[10100]
      An exception occurred while iterating over the results of a query.
      Npgsql.NpgsqlException (0x80004005): The connection pool has been exhausted, either raise 'Max Pool Size' (currently 100) or 'Timeout' (currently 15 seconds) in your connection string.
       ---> System.TimeoutException: The operation has timed out.
         --- End of inner exception stack trace ---
         at Npgsql.PoolingDataSource.Get(NpgsqlConnection conn)`,
    );
    expect(countLog(log)).toEqual({ 'pool-timeout': 2 });
  });

  test('an exception group without a heading, and one behind Compose', () => {
    const group = `  + Exception Group Traceback (most recent call last):
  |   File "/app/main.py", line 3, in main
  | ExceptionGroup: unhandled errors in a TaskGroup (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "/app/db.py", line 9, in get
    | sqlalchemy.exc.TimeoutError: ${queuePool}
    +---------------- 2 ----------------
    | Traceback (most recent call last):
    |   File "/app/db.py", line 9, in get
    | sqlalchemy.exc.TimeoutError: ${queuePool}
    +------------------------------------`;
    expect(countLog(times(2, () => group))).toEqual({ 'pool-timeout': 2 });
    expect(
      countLog(
        headed(
          () => 'api-1  | ',
          times(3, () => group),
        ),
      ),
    ).toEqual({ 'pool-timeout': 3 });
  });

  test('PgBouncer, which says why it closes and what it answers', () => {
    const reason = 'no more connections allowed (max_client_conn)';
    const log = times(
      3,
      (
        n,
      ) => `2026-01-05 10:00:00.${n}00 UTC [1] LOG C-0x5581aa: shop/app@10.0.0.7:4123${n} closing because: ${reason} (age=0s)
2026-01-05 10:00:00.${n}00 UTC [1] WARNING C-0x5581aa: shop/app@10.0.0.7:4123${n} pooler error: ${reason}`,
    );
    expect(countLog(log)).toEqual({ 'pooler-limit': 3 });
  });
});

describe('several failures stay several', () => {
  test('the same line again', () => {
    expect(countLog(times(5, () => ' WARN shop: sorry, too many clients already'))).toEqual({
      'slots-full': 5,
    });
  });

  test.each(['\t', '  ', ' '])('indented lines that begin with a level (%j)', (indent) => {
    const log = [
      'started',
      ...times(3, () => `ERROR db: sorry, too many clients already`).split('\n'),
    ];
    expect(countLog(log.join(`\n${indent}`))).toEqual({ 'slots-full': 3 });
    for (const level of ['[warn]', 'error:', '2026-01-05T10:00:00Z WARN', '10:00:00 ERR']) {
      const leveled = log.map((line) => line.replace('ERROR', level)).join(`\n${indent}`);
      expect([level, countLog(leveled)]).toEqual([level, { 'slots-full': 3 }]);
    }
  });

  test('the same stack again', () => {
    expect(countLog(times(4, () => traceback))).toEqual({ 'slots-full': 4 });
  });

  test('lines of several clients', () => {
    const log = times(4, (n) => `10:00:0${n} ERROR client ${n}: sorry, too many clients already`);
    expect(countLog(log)).toEqual({ 'slots-full': 4 });
  });

  test('a statement of many lines does not swallow what comes after', () => {
    const log = `${traceback}\n[SQL: select token\nfrom pool\nwhere a = 'deadlock detected']\n${traceback}`;
    expect(countLog(log)).toEqual({ 'slots-full': 2 });
  });
});
