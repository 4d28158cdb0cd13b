import { once } from 'node:events';
import { createServer } from 'node:net';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startCluster } from '../support/clusters.ts';
import type { Cluster } from '../../sandbox/patient/cluster.ts';
import { systemClock } from '../../src/timing.ts';
import { createDatabase } from '../../src/postgres/lifeline.ts';
import { createPoolers } from '../../src/pgbouncer/poolers.ts';
import type { PoolerSnapshot } from '../../src/runbook/snapshot/snapshot.ts';
import { createTargetMonitor } from '../../src/runbook/loop/target-monitor.ts';
import { findFreePort } from '../../sandbox/patient/free-port.ts';
import { aTarget } from '../runbook/diagnose/builders.ts';
import { databaseOptions } from '../support/database-options.ts';
import { isPgBouncerInstalled, startPgBouncer } from '../../sandbox/patient/pgbouncer.ts';
import type { PgBouncer } from '../../sandbox/patient/pgbouncer.ts';
import { until } from '../support/until.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.close());

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});

async function bouncer(settings: Record<string, string | number> = {}): Promise<PgBouncer> {
  const started = await startPgBouncer(cluster, settings);
  open.push(() => started.close());
  return started;
}

async function client(url: string): Promise<Client> {
  const connected = new Client({ connectionString: url });
  connected.on('error', () => undefined); // its pooler is killed
  await connected.connect();
  open.push(() => connected.end().catch(() => undefined));
  return connected;
}

const notConfigured = {
  ok: false,
  tookMs: 0,
  problem: { kind: 'not-configured', summary: 'Nothing is configured.' },
} as const;

/** One look at one console. */
async function lookAt(url: string, withinMs?: number): Promise<PoolerSnapshot> {
  const consoles = [{ name: 'PgBouncer', url, replicas: 1 }];
  const part = await createPoolers({
    consoles,
    ...(withinMs !== undefined && { withinMs }),
  }).readPoolers();
  const [look] = part.ok ? part.value : [];
  if (look === undefined) throw new Error('There is no look.');
  return look;
}

// Debian's package; without it the console of a real one cannot be asked.
describe.skipIf(!isPgBouncerInstalled)('a real PgBouncer', () => {
  test('shows its mode, its limits, and that clients wait while PostgreSQL is calm', async () => {
    const pool = await bouncer({
      pool_mode: 'transaction',
      default_pool_size: 1,
      max_client_conn: 40,
      max_db_connections: 7,
    });
    const holder = await client(pool.url('app', 'postgres'));
    await holder.query('BEGIN');
    await holder.query('SELECT 1');
    const waiting = await client(pool.url('app', 'postgres'));
    waiting.query('SELECT 2').catch(() => undefined); // it waits until the pooler is killed
    const url = pool.url('stats', 'pgbouncer');
    await until('a client waits', async () => (await lookAt(url)).reading?.clientsWaiting === 1);
    const { reading } = await lookAt(url);
    if (reading === undefined) throw new Error('It was not read.');
    const { version, pools, longestWaitSeconds, ...rest } = reading;
    expect(version).toMatch(/^PgBouncer \d/);
    expect(longestWaitSeconds).toBeGreaterThan(0);
    expect(rest).toEqual({
      poolMode: 'transaction',
      clients: 2,
      maxClientConnections: 40,
      clientLimits: [],
      clientsWaiting: 1,
      servers: 1,
      mayOpen: 1,
      poolsTotal: 1,
      clientSources: [{ client: '127.0.0.1', application: '', total: 2, waiting: 1 }],
      serverSources: [{ client: '127.0.0.1', user: 'postgres', database: 'postgres', total: 1 }],
    });
    expect(pools).toHaveLength(1);
    expect(pools[0]).toMatchObject({
      database: 'postgres',
      user: 'postgres',
      mode: 'transaction',
      clientsActive: 1,
      clientsWaiting: 1,
      serversActive: 1,
      serversIdle: 0,
      servers: 1,
      size: 1,
      reserve: 0,
      fullBy: 'pool_size',
    });
  });

  test('stands in the answer to prevention beside what the server itself says', async () => {
    const pool = await bouncer({ pool_mode: 'session' });
    const target = aTarget();
    const monitor = createTargetMonitor(
      [
        {
          target,
          database: createDatabase(databaseOptions(cluster.url())),
          services: {
            readServices: () => Promise.resolve(notConfigured),
            readLogs: () => Promise.resolve(notConfigured),
          },
          pools: { readPools: () => Promise.resolve(notConfigured) },
          poolers: createPoolers({
            consoles: [{ name: 'front', url: pool.url('stats', 'pgbouncer'), replicas: 1 }],
          }),
        },
      ],
      systemClock,
    );
    open.push(() => monitor.close());
    const { checks, poolers } = await monitor.prevention(target.name);
    expect(poolers.map(({ mode }) => mode)).toEqual(['session']);
    const states = new Map(checks.map(({ setting, state }) => [setting, state]));
    expect(states.get('pool_mode of front')).toBe('advice');
    expect(states.get('clients waiting in front')).toBe('ok');
    expect(states.get('idle_in_transaction_session_timeout')).toBe('advice');
    expect(states.get('reserved_connections')).toBe('advice');
  });

  test('is asked by one connection that is gone afterwards', async () => {
    const pool = await bouncer();
    const url = pool.url('stats', 'pgbouncer');
    for (let look = 0; look < 3; look += 1) expect((await lookAt(url)).reading).toBeDefined();
    const admin = await client(pool.url('stats', 'pgbouncer'));
    await until('only the one that asks is left', async () => {
      const { rows } = await admin.query('SHOW CLIENTS');
      return rows.length === 1;
    });
  });

  test('a frozen one costs no more than its time, and says so', async () => {
    const pool = await bouncer();
    pool.freeze();
    const look = await lookAt(pool.url('stats', 'pgbouncer'), 200);
    expect(look.problem).toMatchObject({ kind: 'timeout' });
    expect(look.tookMs).toBeGreaterThanOrEqual(190);
    pool.thaw();
  });

  test('clients that wait because it cannot log in to PostgreSQL wait from the start', async () => {
    const mute = createServer((socket) => {
      socket.on('error', () => undefined).resume(); // the pooler is killed
    });
    mute.listen(0, '127.0.0.1');
    await once(mute, 'listening');
    open.push(() => new Promise((resolve) => mute.close(resolve)));
    const address = mute.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const pool = await startPgBouncer({ port }, { pool_mode: 'transaction' });
    open.push(() => pool.close());
    client(pool.url('app', 'postgres')).catch(() => undefined); // it waits until the pooler is killed
    const url = pool.url('stats', 'pgbouncer');
    await until('it has waited for over a second', async () => {
      const { reading } = await lookAt(url);
      return (reading?.longestWaitSeconds ?? 0) > 1;
    });
    const { reading } = await lookAt(url);
    expect(reading).toMatchObject({ clientsWaiting: 1, pools: [{ fullBy: null }] });
  });

  test('at max_client_conn its console still answers, and says that it is full', async () => {
    const pool = await bouncer({ max_client_conn: 2 });
    for (let one = 0; one < 2; one += 1) await client(pool.url('app', 'postgres'));
    const { reading } = await lookAt(pool.url('stats', 'pgbouncer'));
    expect(reading).toMatchObject({ clients: 2, maxClientConnections: 2 });
  });

  test('a paused database is named as what its clients wait for', async () => {
    const pool = await bouncer({ admin_users: 'stats', pool_mode: 'transaction' });
    const waiting = await client(pool.url('app', 'postgres'));
    await waiting.query('SELECT 1');
    const admin = await client(pool.url('stats', 'pgbouncer'));
    await admin.query('PAUSE postgres');
    waiting.query('SELECT 2').catch(() => undefined); // it waits until the pooler is killed
    await until('it waits', async () => {
      const { reading } = await lookAt(pool.url('stats', 'pgbouncer'));
      return reading?.clientsWaiting === 1;
    });
    const { reading } = await lookAt(pool.url('stats', 'pgbouncer'));
    expect(reading?.pools[0]?.fullBy).toBe('paused');
  });

  test('a user who may not see the console is told whom to make one of', async () => {
    const pool = await bouncer();
    const { problem } = await lookAt(pool.url('app', 'pgbouncer'));
    expect(problem?.kind).toBe('forbidden');
    expect(problem?.fix).toContain('stats_users');
  });
});

test('PostgreSQL itself is not taken for a PgBouncer', async () => {
  const { problem } = await lookAt(cluster.url());
  expect(problem).toMatchObject({ kind: 'invalid' });
});

test('nobody there is a problem with a way out, and no part of the url is repeated', async () => {
  const url = `postgres://stats:hunter2@127.0.0.1:${await findFreePort()}/pgbouncer`;
  const look = await lookAt(url);
  expect(look.problem).toMatchObject({
    kind: 'unreachable',
    summary: 'PgBouncer cannot be reached.',
  });
  expect(JSON.stringify(look)).not.toContain('hunter2');
});
