import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cluster } from '../../sandbox/patient/cluster.ts';
import { startCluster } from '../support/clusters.ts';
import { Sessions } from '../support/sessions.ts';
import { until } from '../support/until.ts';
import { countLog } from './read-log.ts';

/** The same failures as a real server writes them in each of its formats, and as a client prints them. */
let cluster: Cluster;
let sessions: Sessions;
const folder = `field-${randomUUID()}`;
const printed: string[] = [];

beforeAll(async () => {
  cluster = await startCluster({
    settings: {
      max_connections: 12,
      log_destination: 'stderr,csvlog,jsonlog',
      logging_collector: 'on',
      log_directory: folder,
      log_filename: 'server.log',
      log_error_verbosity: 'verbose',
      log_line_prefix: '%m [%p] %e %q%u@%d ',
      deadlock_timeout: '100ms',
    },
  });
  sessions = new Sessions(cluster);
  await sessions.ask('CREATE ROLE app LOGIN');
  await sessions.ask('CREATE ROLE limited LOGIN CONNECTION LIMIT 0');
  await fail(sessions.open({ user: 'limited' }));
  const { client } = await sessions.open();
  await fail(client.query('SET statement_timeout = 20; SELECT pg_sleep(60)'));
  await deadlock();
  await takeAllSlots();
});
afterAll(async () => {
  await sessions.close();
  await cluster.close();
});

async function fail(failing: Promise<unknown>): Promise<void> {
  await failing.catch((error: unknown) => printed.push(inspect(error)));
}

async function deadlock(): Promise<void> {
  const [one, other] = [await sessions.open(), await sessions.open()];
  await one.run('BEGIN', 'SELECT pg_advisory_xact_lock(1)');
  await other.run('BEGIN', 'SELECT pg_advisory_xact_lock(2)');
  await Promise.all([
    fail(one.client.query('SELECT pg_advisory_xact_lock(2)').then(() => one.run('ROLLBACK'))),
    fail(other.client.query('SELECT pg_advisory_xact_lock(1)').then(() => other.run('ROLLBACK'))),
  ]);
}

async function takeAllSlots(): Promise<void> {
  const before = printed.length;
  while (printed.length === before) await fail(sessions.open({ user: 'app' }));
}

const expected = {
  'role-or-database-limit': 1,
  'statement-timeout': 1,
  deadlock: 1,
  'slots-reserved': 1,
};

test.each(['server.log', 'server.csv', 'server.json'])('%s', async (name) => {
  const path = join(cluster.dataDirectory, folder, name);
  await until('the collector has written the last line', async () => {
    return (await readFile(path, 'utf8')).includes('remaining connection slots');
  });
  const text = await readFile(path, 'utf8');
  expect(countLog(text)).toMatchObject(expected);
  // What a server in another language writes: the same codes and nothing else that is known.
  const unknown =
    /too many|remaining connection slots|deadlock detected|statement timeout|connection/g;
  const translated = text.replaceAll(unknown, 'nicht');
  const {
    'role-or-database-limit': byRole = 0,
    'slots-reserved': reserved = 0,
    ...others
  } = countLog(translated);
  expect(others).toMatchObject({ 'statement-timeout': 1, deadlock: 1 });
  expect(byRole + reserved + (others['slots-full'] ?? 0)).toBe(2);
});

test('the errors as node-postgres prints them', () => {
  expect(countLog(printed.join('\n'))).toEqual(expected);
});
