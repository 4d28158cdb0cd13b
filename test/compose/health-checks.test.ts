import { expect, test } from 'vitest';
import { findContainers } from '../../src/docker/containers.ts';
import { isProbe, mayBeProbe, readProbeLogins } from '../../src/docker/logs/health-checks.ts';
import { inspected, json, listed, startFakeEngine } from './fake-engine.ts';

interface Config {
  readonly Healthcheck?: object;
  readonly User?: string;
  readonly Env?: readonly string[];
}

async function loginsOf(config: Config): Promise<{ databases: string[]; roles: string[] }> {
  const answer = inspected({}, { Config: config });
  await using engine = await startFakeEngine({
    '/containers/json': json(200, [listed('postgres', 1), listed('backend', 1)]),
    '/containers/postgres1': json(200, answer),
  });
  const services = await findContainers(engine.docker, 'shop', 60_000);
  const { databases, roles } = await readProbeLogins(engine.docker, services, 60_000);
  return { databases: [...databases], roles: [...roles] };
}

const shell = (command: string): Config => ({ Healthcheck: { Test: ['CMD-SHELL', command] } });

test.for<[string, Config, string[], string[]]>([
  ['its user', shell('pg_isready -U shop'), ['shop'], ['shop']],
  ['a database', shell('pg_isready -U shop -d orders'), ['orders'], ['shop']],
  ['nothing, as root', shell('pg_isready -q -h 127.0.0.1'), ['root'], ['root']],
  [
    'nothing, as its own user',
    { ...shell('pg_isready'), User: 'postgres' },
    ['postgres'],
    ['postgres'],
  ],
  ['nothing, as a number', { ...shell('pg_isready'), User: '999:999' }, [], []],
  [
    'words',
    { Healthcheck: { Test: ['CMD', 'pg_isready', '--username=shop', '--dbname', 'orders'] } },
    ['orders'],
    ['shop'],
  ],
  [
    'a path and letters in one',
    shell('/usr/lib/postgresql/18/bin/pg_isready -qUshop -dorders || exit 1'),
    ['orders'],
    ['shop'],
  ],
  ['psql’s own order', shell('psql -tAc "SELECT 1; SELECT 2" orders shop'), ['orders'], ['shop']],
  [
    'an address',
    shell("psql 'postgres://shop@127.0.0.1/orders?sslmode=disable' -c '\\q'"),
    ['orders'],
    ['shop'],
  ],
  [
    'keywords',
    shell('psql -d "host=localhost dbname=orders user=shop" -c ""'),
    ['orders'],
    ['shop'],
  ],
  [
    'a shell within',
    { Healthcheck: { Test: ['CMD', 'sh', '-c', 'pg_isready -U shop && true'] } },
    ['shop'],
    ['shop'],
  ],
  ['a quoted shell', shell("sh -c 'pg_isready -U shop'"), ['shop'], ['shop']],
  [
    'variables of the container',
    {
      ...shell('pg_isready -U $POSTGRES_USER -d ${POSTGRES_DB:-main}'),
      Env: ['POSTGRES_USER=shop', 'PASSWORD=x'],
    },
    ['main'],
    ['shop'],
  ],
  [
    'PGUSER and PGDATABASE',
    { ...shell('pg_isready'), Env: ['PGUSER=shop', 'PGDATABASE=orders'] },
    ['orders'],
    ['shop'],
  ],
  ['another program', shell('curl -f http://localhost/ -U shop -d orders'), [], []],
  ['none', {}, [], []],
  ['one switched off', { Healthcheck: { Test: ['NONE'] } }, [], []],
])('a health check that logs in with %s', async ([, config, databases, roles]) => {
  expect(await loginsOf(config)).toEqual({ databases, roles });
});

test('a container that cannot be inspected hides no line', async () => {
  await using engine = await startFakeEngine({ '/containers/json': json(200, [listed('db', 1)]) });
  const services = await findContainers(engine.docker, 'shop', 60_000);
  const { databases } = await readProbeLogins(engine.docker, services, 60_000);
  expect(databases.size).toBe(0);
});

test.for<[string, boolean]>([
  ['2026-11-30 10:00:00.123 UTC [81] FATAL:  database "shop" does not exist', true],
  ['FATAL:  role "root" does not exist', true],
  ['FATAL:  database "billing" does not exist', false],
  ['FATAL:  role "shop" does not exist', false],
  ['ERROR:  database "shop" does not exist', false],
  ['LOG:  connection received: host=[local]', false],
])('%s is a health check’s: %s', ([line, expected]) => {
  const logins = { databases: new Set(['shop']), roles: new Set(['root']) };
  expect(isProbe(line, logins)).toBe(expected);
  expect(expected && !mayBeProbe(line)).toBe(false);
});
