import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startCluster } from '../../sandbox/patient/cluster.ts';
import type { Cluster } from '../../sandbox/patient/cluster.ts';
import { systemClock } from '../../src/clock.ts';
import { createDatabase } from '../../src/postgres/lifeline.ts';
import { createPooler } from '../../src/postgres/pgbouncer.ts';
import { createRunbook } from '../../src/runbook/runbook.ts';
import { findFreePort } from '../docker/free-port.ts';
import { aTarget } from '../runbook/diagnose/builders.ts';
import { databaseOptions } from '../support/database-options.ts';
import { isPgBouncerInstalled, startPgBouncer } from '../support/pgbouncer.ts';
import type { PgBouncer } from '../support/pgbouncer.ts';
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

function problemOf(part: Awaited<ReturnType<ReturnType<typeof createPooler>['readPooler']>>) {
  return part.ok ? undefined : part.problem;
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
    const pooler = createPooler({ url: pool.url('stats', 'pgbouncer') });
    await until('a client waits', async () => {
      const part = await pooler.readPooler();
      return part.ok && part.value.pools.some(({ clientsWaiting }) => clientsWaiting === 1);
    });
    const part = await pooler.readPooler();
    if (!part.ok) throw new Error(part.problem.summary);
    const { version, pools, ...limits } = part.value;
    expect(version).toMatch(/^PgBouncer \d/);
    expect(limits).toEqual({
      poolMode: 'transaction',
      defaultPoolSize: 1,
      maxClientConnections: 40,
      maxDatabaseConnections: 7,
      poolsTotal: 1,
    });
    const [{ longestWaitSeconds, ...busiest } = { longestWaitSeconds: 0 }] = pools;
    expect(longestWaitSeconds).toBeGreaterThan(0);
    expect(busiest).toEqual({
      database: 'postgres',
      user: 'postgres',
      mode: 'transaction',
      clientsActive: 1,
      clientsWaiting: 1,
      serversActive: 1,
      serversIdle: 0,
    });
  });

  test('stands in the answer to prevention beside what the server itself says', async () => {
    const pool = await bouncer({ pool_mode: 'session' });
    const target = aTarget();
    const runbook = createRunbook(
      [
        {
          target,
          database: createDatabase(databaseOptions(cluster.url())),
          services: {
            readServices: () => Promise.resolve(notConfigured),
            readLogs: () => Promise.resolve(notConfigured),
          },
          pools: { readPools: () => Promise.resolve(notConfigured) },
          pooler: createPooler({ url: pool.url('stats', 'pgbouncer') }),
        },
      ],
      systemClock,
    );
    open.push(() => runbook.close());
    const { checks, pooler } = await runbook.prevention(target.name);
    expect(pooler?.poolMode).toBe('session');
    const states = new Map(checks.map(({ setting, state }) => [setting, state]));
    expect(states.get('pool_mode of PgBouncer')).toBe('advice');
    expect(states.get('clients waiting in PgBouncer')).toBe('ok');
    expect(states.get('idle_in_transaction_session_timeout')).toBe('advice');
    expect(states.get('reserved_connections')).toBe('advice');
  });

  test('is asked by one connection that is gone afterwards', async () => {
    const pool = await bouncer();
    const pooler = createPooler({ url: pool.url('stats', 'pgbouncer') });
    for (let look = 0; look < 3; look += 1) expect((await pooler.readPooler()).ok).toBe(true);
    const admin = await client(pool.url('stats', 'pgbouncer'));
    await until('only the one that asks is left', async () => {
      const { rows } = await admin.query('SHOW CLIENTS');
      return rows.length === 1;
    });
  });

  test('a frozen one costs no more than its time, and says so', async () => {
    const pool = await bouncer();
    pool.freeze();
    const url = pool.url('stats', 'pgbouncer');
    const part = await createPooler({ url, withinMs: 200 }).readPooler();
    expect(problemOf(part)).toMatchObject({ kind: 'timeout' });
    expect(part.tookMs).toBeGreaterThanOrEqual(190);
    pool.thaw();
  });

  test('a user who may not see the console is told whom to make one of', async () => {
    const pool = await bouncer();
    const part = await createPooler({ url: pool.url('app', 'pgbouncer') }).readPooler();
    expect(problemOf(part)?.kind).toBe('forbidden');
    expect(problemOf(part)?.fix).toContain('stats_users');
  });
});

test('PostgreSQL itself is not taken for a PgBouncer', async () => {
  const part = await createPooler({ url: cluster.url() }).readPooler();
  expect(problemOf(part)).toMatchObject({ kind: 'invalid' });
});

test('nobody there is a problem with a way out, and no part of the url is repeated', async () => {
  const url = `postgres://stats:hunter2@127.0.0.1:${await findFreePort()}/pgbouncer`;
  const part = await createPooler({ url }).readPooler();
  expect(problemOf(part)).toMatchObject({
    kind: 'unreachable',
    summary: 'PgBouncer cannot be reached.',
  });
  expect(JSON.stringify(part)).not.toContain('hunter2');
});
