import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Diagnosis } from '../../src/runbook/diagnose/diagnosis.ts';
import { isPgBouncerInstalled, startPgBouncer } from '../../sandbox/patient/pgbouncer.ts';
import type { PgBouncer } from '../../sandbox/patient/pgbouncer.ts';
import type { NightOptions } from './support/night.ts';
import { PoolerClients, consoleOf } from './support/pooler-clients.ts';
import { everyVariant } from './support/variants.ts';
import { useNightServer } from './support/night-server.ts';
import { diagnoseOnce } from './support/night.ts';

/** Night 11: in transaction mode clients queue in PgBouncer, and PostgreSQL is calm. */
const server = useNightServer({ settings: { max_connections: 60 } });
let pgbouncer: PgBouncer;
let clients: PoolerClients;

async function look(options: NightOptions = {}): Promise<Diagnosis> {
  return diagnoseOnce(server.cluster, { ...options, more: { poolers: consoleOf(pgbouncer) } });
}

describe.skipIf(!isPgBouncerInstalled).each(everyVariant)('clients wait ($seed)', (variant) => {
  const { seeded, user, applications, table } = variant;
  const size = seeded.between(4, 9);
  const waiting = size + seeded.between(10, 40);
  const as = { user, application: applications[0] };

  beforeAll(async () => {
    await server.sessions.ask(`CREATE ROLE ${user} LOGIN`);
    await server.sessions.ask(`CREATE TABLE ${table} (id int PRIMARY KEY)`);
    await server.sessions.ask(`INSERT INTO ${table} VALUES (1)`);
    await server.sessions.ask(`GRANT ALL ON ${table} TO ${user}`);
  });
  beforeEach(async () => {
    const settings = { pool_mode: 'transaction', default_pool_size: size, max_client_conn: 200 };
    pgbouncer = await startPgBouncer(server.cluster, settings, {
      users: [user],
      serverUser: 'as itself',
    });
    clients = new PoolerClients(pgbouncer);
  });
  afterEach(async () => {
    // First the pooler: one that sees its sessions end would log in again meanwhile.
    await pgbouncer.close();
    await clients.close();
    await server.sessions.endAll();
  });

  /** So many hold the pool with these statements, and the rest waits. */
  async function stage(...statements: string[]): Promise<void> {
    await clients.open(size, as, ...statements);
    await clients.until('the pool is used up', ({ servers }) => servers >= size);
    await clients.open(waiting, as, 'SELECT 1');
    await clients.until(
      'they have waited',
      (reading) => reading.clientsWaiting === waiting && reading.longestWaitSeconds >= 1.2,
    );
  }

  test('behind work: critical, the pool’s size is what to raise, and no option helps', async () => {
    await stage('SELECT pg_sleep(60)');
    const diagnosis = await look();
    const { state, headline, verdict, findings, causes, proposals, poolers } = diagnosis;
    expect(state).toBe('critical');
    expect(headline).toMatch(new RegExp(`^${waiting} clients wait in PgBouncer; \\d+ of 57`));
    expect(verdict).toContain('Likely cause: pooler queue.');
    expect(causes).toEqual([]);
    expect(proposals).toEqual([]);
    const found = findings.find(({ id }) => id === 'pooler-queue');
    expect(found?.severity).toBe('critical');
    expect(found?.summary).toContain(`${size} server connections are in use (pool_size)`);
    expect(found?.fix).toContain('raise pool_size');
    expect(found?.evidence.join(' ')).toContain(`Waiting: ${applications[0]} ${waiting}.`);
    expect(poolers).toMatchObject([
      { clientsWaiting: waiting, servers: size, mode: 'transaction' },
    ]);
    expect(diagnosis.holders[0]).toMatchObject({ name: 'PgBouncer', service: null, total: size });
  });

  test('an application whose own pool runs dry behind it has no pool that is too small', async () => {
    await stage('SELECT pg_sleep(60)');
    const all = size + waiting;
    const pool = { service: applications[0], name: 'default', size: all, maxOverflow: 0 };
    const { causes, proposals, budget, verdict } = await look({
      target: {
        services: [{ name: applications[0], workers: 1, poolSize: all, maxOverflow: 0 }],
      },
      pools: {
        readPools: () =>
          Promise.resolve({
            ok: true,
            tookMs: 1,
            value: [
              {
                service: applications[0],
                endpoint: 'metrics',
                tookMs: 1,
                pools: [
                  {
                    ...pool,
                    checkedOut: all,
                    checkedIn: 0,
                    overflow: 0,
                    limit: all,
                    utilisation: 1,
                    timeouts: 3,
                  },
                ],
              },
            ],
          }),
      },
    });
    expect(causes).toEqual([]);
    expect(proposals).toEqual([]);
    expect(verdict).toContain('pooler queue');
    // Its connections end at the pooler, whose own ceiling is what counts.
    expect(budget.lines).toEqual([]);
    expect(budget.poolers).toEqual([
      { name: 'PgBouncer', replicas: 1, mayOpen: size, holds: size },
    ]);
  });

  test('behind transactions left open: those are named, and a larger pool is not', async () => {
    await stage('BEGIN', 'SELECT 1');
    const { state, findings, proposals } = await look();
    expect(state).toBe('critical');
    const found = findings.find(({ id }) => id === 'pooler-queue');
    expect(found?.summary).toContain(`${size} of its ${size} server connections are idle in trans`);
    expect(found?.fix).not.toMatch(/raise/i);
    expect(proposals.map(({ option }) => option)).not.toContain('E');
  });

  test('behind a lock: the lock is named', async () => {
    const holder = await server.sessions.open({ application: applications[1] });
    await holder.run('BEGIN', `SELECT FROM ${table} FOR UPDATE`);
    await stage(`UPDATE ${table} SET id = id`);
    const { findings, blocking } = await look({ limits: { lockWaitMs: 500 } });
    const found = findings.find(({ id }) => id === 'pooler-queue');
    expect(found?.summary).toContain('wait for locks in PostgreSQL');
    expect(blocking.roots).toMatchObject([{ pid: holder.pid }]);
    expect(found?.fix).not.toMatch(/raise/i);
  });

  test('that come and go within milliseconds are no finding', async () => {
    // More clients than connections, each at work without a pause.
    await clients.open(size * 3, as, ...Array.from({ length: 2_000 }, () => 'SELECT 1'));
    const { state, findings, headline } = await look();
    expect(findings.filter(({ id }) => id.startsWith('pooler'))).toEqual([]);
    expect(state).toBe('fine');
    expect(headline).not.toContain('PgBouncer');
  });
});
