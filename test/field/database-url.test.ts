import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cluster } from '../../sandbox/patient/cluster.ts';
import { ConfigError } from '../../src/config/environment.ts';
import { readConfig } from '../../src/config/config.ts';
import { connect } from '../../src/postgres/connect/connection.ts';
import { startCluster } from '../support/clusters.ts';
import { patienceMs } from '../support/until.ts';

/** Addresses of databases as they stand in the `.env` files of applications. */

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.close());

/** The address as dbconn uses it, or why it does not. */
function read(url: string): { readonly url?: string; readonly problem?: string } {
  try {
    const [target] = readConfig({ DATABASE_URL: url }).targets;
    return { url: target?.database.url ?? '' };
  } catch (error) {
    if (error instanceof ConfigError) return { problem: error.problems.join('\n') };
    throw error;
  }
}

async function database(url: string): Promise<string> {
  const connection = await connect(url, patienceMs);
  try {
    return await connection.readOne(
      `SELECT concat_ws(' ', current_user, current_database(), current_setting('application_name'), current_setting('client_encoding'))`,
      patienceMs,
    );
  } finally {
    await connection.close();
  }
}

test.for<[string, (at: { readonly port: number; readonly socket: string }) => string]>([
  [
    'a socket and no host',
    ({ port, socket }) => `postgresql://postgres@/postgres?host=${socket}&port=${port}`,
  ],
  [
    'a socket, a port and no host',
    ({ port, socket }) => `postgresql://postgres@:${port}/postgres?host=${socket}`,
  ],
  [
    'a socket as host',
    ({ port, socket }) => `postgres://postgres@${encodeURIComponent(socket)}:${port}/postgres`,
  ],
  [
    'psycopg2',
    ({ port }) =>
      `postgresql+psycopg2://postgres@127.0.0.1:${port}/postgres?client_encoding=latin1`,
  ],
  [
    'psycopg',
    ({ port }) =>
      `postgresql+psycopg://postgres@127.0.0.1:${port}/postgres?target_session_attrs=any`,
  ],
  [
    'asyncpg',
    ({ port }) =>
      `postgresql+asyncpg://postgres@127.0.0.1:${port}/postgres?ssl=prefer&prepared_statement_cache_size=0&command_timeout=60`,
  ],
  [
    'pg8000, from an old file',
    ({ port }) =>
      `postgres+pg8000://postgres@127.0.0.1:${port}/postgres?replication=database&binary=true`,
  ],
  [
    'Prisma',
    ({ port }) =>
      `postgresql://postgres@127.0.0.1:${port}/postgres?schema=public&pgbouncer=true&statement_timeout=soon`,
  ],
  [
    'capitals and blanks around',
    ({ port }) => ` POSTGRESQL://postgres@127.0.0.1:${port}/postgres\r\n`,
  ],
  ['a % that is only a %', ({ port }) => `postgres://postgres:100%@127.0.0.1:${port}/postgres`],
])('%s: PostgreSQL is reached', async ([, toUrl]) => {
  const { url, problem } = read(toUrl({ port: cluster.port, socket: cluster.socketDirectory }));
  expect(problem).toBeUndefined();
  expect(await database(url ?? '')).toBe('postgres postgres dbconn UTF8');
});

test.for<[string, RegExp]>([
  ['postgres://dbconn:hunter2@db1:5432,db2:5432/orders?target_session_attrs=any', /several hosts/],
  ['postgres://dbconn:hunter2@db1,db2/orders', /several hosts/],
  ['postgresql+asyncpg://dbconn:hunter2@/orders?host=db1:5432&host=db2:5432', /several hosts/],
  ['postgres://dbconn:hunter2@/orders?host=db1,db2', /several hosts/],
  ['postgres://dbconn:12#hunter2@db/orders', /has a # .*percent-encoded.*%23/],
  ['postgres://dbconn:hunter2#@db/orders', /has a # .*percent-encoded.*%23/],
  ['postgres://dbconn:a/hunter2@db/orders', /has a \/ .*percent-encoded.*%2F/],
  ['postgres://dbconn:12/hunter2@db/orders', /has a \/ .*percent-encoded.*%2F/],
  ['postgres://dbconn:a/b?hunter2=@db/orders', /has a \/ .*percent-encoded.*%2F/],
  ['postgres://dbconn:1@2/hunter2@db/orders', /has a \/ .*percent-encoded.*%2F/],
  ['postgres://dbconn:a?hunter2@db/orders', /has a \? .*percent-encoded.*%3F/],
  ['postgres://dbconn:12?hunter2@db/orders', /has a \? .*percent-encoded.*%3F/],
  ['postgres://dbconn:hunter2@db:hunter2/orders', /no valid port.*percent-encoded/],
  ['postgres://dbconn:hunter2@db:99999/orders', /no valid port/],
  ['postgres://dbconn:hunter2@my db/orders', /no valid host/],
  ['postgres://dbconn:hunter2%e4@db/orders', /no UTF-8/],
  ['"postgres://dbconn:hunter2@db/orders"', /begins with a quote/],
  ['jdbc:postgresql://db/orders?user=dbconn&password=hunter2', /is a JDBC address/],
  ['host=db user=dbconn password=hunter2', /is a list of keywords/],
  ['mysql://dbconn:hunter2@db/orders', /is not a postgres:\/\/ address/],
])('%s is refused with its cause and without the password', ([url, cause]) => {
  const { problem } = read(url);
  expect(problem).toMatch(/^DATABASE_URL /);
  expect(problem).toMatch(cause);
  expect(problem).not.toMatch(/hunter2|orders/);
});

test.for([
  ['postgres://me%40corp:p%23%2Fs@db/orders', 'postgres://me%40corp:p%23%2Fs@db/orders'],
  ['postgres://db/orders?user=me@corp', 'postgres://db/orders?user=me@corp'],
  ['postgres://me@corp:secret@db/orders', 'postgres://me%40corp:secret@db/orders'],
  [
    'postgresql+asyncpg://db/orders?ssl=verify-full',
    'postgresql://db/orders?ssl=verify-full&sslmode=verify-full',
  ],
  ['postgres://[::1]:5432/orders', 'postgres://[::1]:5432/orders'],
  ['postgres:///orders', 'postgres:///orders'],
])('%s stays what it means', ([given = '', meant]) => {
  expect(read(given)).toEqual({ url: meant });
});
