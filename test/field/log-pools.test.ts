import { describe, expect, test } from 'vitest';
import { countLog } from './read-log.ts';

/** Texts as the sources of these libraries have them. */
describe('a pool that gave out no connection in time', () => {
  test.each([
    [
      'SQLAlchemy',
      'QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00',
    ],
    ['psycopg_pool', "psycopg_pool.PoolTimeout: couldn't get a connection after 30.00 sec"],
    ['Django', "django.db.utils.OperationalError: couldn't get a connection after 5.00 sec"],
    ['psycopg2', 'psycopg2.pool.PoolError: connection pool exhausted'],
    ['Odoo', 'psycopg2.pool.PoolError: The Connection Pool Is Full'],
    [
      'peewee',
      'MaxConnectionsExceeded: Max connections exceeded, timed out attempting to connect.',
    ],
    ['HikariCP', 'HikariPool-1 - Connection is not available, request timed out after 30000ms.'],
    [
      'c3p0',
      'java.sql.SQLException: An attempt by a client to checkout a Connection has timed out.',
    ],
    [
      'c3p0, its cause',
      'A client timed out while waiting to acquire a resource from com.mchange.v2.resourcepool.BasicResourcePool@1',
    ],
    ['DBCP', 'Cannot get a connection, pool error Timeout waiting for idle object'],
    [
      'DBCP 2',
      'Cannot get a connection, pool error: Timeout waiting for idle object, borrowMaxWaitDuration=PT30S',
    ],
    [
      'Tomcat',
      '[exec-9] Timeout: Pool empty. Unable to fetch a connection in 30 seconds, none available[size:100; busy:100]',
    ],
    ['Agroal', 'java.sql.SQLException: Sorry, acquisition timeout!'],
    [
      'IronJacamar',
      'IJ000655: No managed connections available within configured blocking timeout (30000 [ms])',
    ],
    [
      'Druid',
      'com.alibaba.druid.pool.GetConnectionTimeoutException: wait millis 30000, active 5, maxActive 5',
    ],
    ['R2DBC', 'R2dbcTimeoutException: Connection acquisition timed out after 30000ms'],
    [
      'Npgsql',
      "The connection pool has been exhausted, either raise 'Max Pool Size' (currently 100) or 'Timeout'",
    ],
    [
      'Npgsql 5',
      'The connection pool has been exhausted, either raise MaxPoolSize (currently 100) or Timeout',
    ],
    ['node-postgres', 'Error: timeout exceeded when trying to connect'],
    ['Knex', 'KnexTimeoutError: Knex: Timeout acquiring a connection. The pool is probably full.'],
    [
      'Sequelize',
      'SequelizeConnectionAcquireTimeoutError [SequelizeConnectionAcquireTimeoutError]: Operation timeout',
    ],
    ['generic-pool', 'TimeoutError: ResourceRequest timed out'],
    [
      'Prisma',
      'Timed out fetching a new connection from the connection pool. (connection limit: 5)',
    ],
    [
      'Prisma, a transaction',
      'Transaction API error: Unable to start a transaction in the given time.',
    ],
    [
      'Active Record',
      'could not obtain a connection from the pool within 5.000 seconds (waited 5.001 seconds)',
    ],
    [
      'Active Record 4',
      'could not obtain a database connection within 5.000 seconds (waited 5.000 seconds)',
    ],
    ['Sequel', 'Sequel::PoolTimeout: timeout: 5.0'],
    ['go-pg', 'pg: connection pool timeout'],
    ['pgxpool, as it is wrapped', 'failed to acquire connection: context deadline exceeded'],
    ['sqlx', 'Error: pool timed out while waiting for an open connection'],
    ['deadpool', 'Timeout occurred while waiting for a slot to become available'],
    ['bb8', 'Timed out in bb8'],
    ['r2d2', 'Error(Some("timed out waiting for connection"))'],
    ['DBConnection', 'connection not available and request was dropped from queue after 2950ms.'],
    ['Hyperf', 'Connection pool exhausted. Cannot establish new connection before wait_timeout.'],
    [
      'PostgREST',
      '{"code":"PGRST003","message":"Timed out acquiring connection from connection pool."}',
    ],
  ])('%s', (_, log) => {
    expect(countLog(log)).toEqual({ 'pool-timeout': 1 });
  });

  test('asyncpg, whose time-out has no text', () => {
    const log = `Traceback (most recent call last):
  File "/app/main.py", line 3, in orders
    async with pool.acquire(timeout=5) as connection:
  File "/usr/lib/python3.13/asyncpg/pool.py", line 856, in _acquire
    return await asyncio.wait_for(_acquire_impl(), timeout=timeout)
TimeoutError`;
    expect(countLog(log)).toEqual({ 'pool-timeout': 1 });
    expect(countLog(log.replaceAll('asyncpg/pool', 'aiohttp/client'))).toEqual({});
  });
});

describe('poolers, each by its own words', () => {
  test.each([
    [
      'pooler-login',
      'FATAL:  server login has been failing, cached error: connect failed (server_login_retry)',
    ],
    ['pooler-login', 'ERROR:  pgbouncer cannot connect to server'],
    [
      'pooler-login',
      'WARNING server login failed: FATAL password authentication failed for user "app"',
    ],
    ['pooler-login', 'pooler error: client_login_timeout (server down)'],
    ['pooler-login', 'could not get connection from the pool - AllServersDown'],
    ['slots-full', 'WARNING server login failed: FATAL sorry, too many clients already'],
    ['pooler-limit', 'FATAL:  no more connections allowed (max_client_conn)'],
    ['pooler-limit', 'pooler error: client connections exceeded (max_db_client_connections)'],
    ['pooler-limit', 'pooler error: client connections exceeded (max_user_client_connections)'],
    [
      'pooler-limit',
      'FATAL: (EMAXCONNSESSION) max clients reached in session mode - max clients are limited to pool_size: 15',
    ],
    ['pooler-limit', 'FATAL: (EMAXCONN) max client connections reached, limit: 200'],
    ['pooler-limit', 'FATAL:  Max client connections reached'],
    ['pooler-query-wait', 'FATAL:  query_wait_timeout'],
    [
      'pooler-query-wait',
      'FATAL: (ECHECKOUTTIMEOUT) unable to check out connection from the pool after 15000ms in Session mode',
    ],
    ['pooler-query-wait', 'FATAL: Unable to check out process from the pool due to timeout'],
    ['pooler-query-wait', 'Timed-out waiting to acquire database connection'],
  ])('%s: %s', (name, log) => {
    expect(countLog(log)).toEqual({ [name]: 1 });
  });
});
