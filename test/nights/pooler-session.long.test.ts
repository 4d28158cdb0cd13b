import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Diagnosis } from '../../src/runbook/diagnose/diagnosis.ts';
import { isPgBouncerInstalled, startPgBouncer } from '../../sandbox/patient/pgbouncer.ts';
import type { PgBouncer } from '../../sandbox/patient/pgbouncer.ts';
import { PoolerClients, consoleOf } from './support/pooler-clients.ts';
import { everyVariant } from './support/variants.ts';
import { useNightServer } from './support/night-server.ts';
import { diagnoseOnce } from './support/night.ts';

/** Night 12: in session mode every client keeps its server connection, and the next ones wait. */
const server = useNightServer({ settings: { max_connections: 40 } });
let pgbouncer: PgBouncer;
let clients: PoolerClients;

describe.skipIf(!isPgBouncerInstalled).each(everyVariant)('session mode ($seed)', (variant) => {
  const { seeded, user, applications } = variant;
  const waiting = seeded.between(15, 25);
  const application = applications[0];
  let size: number;

  beforeAll(async () => {
    await server.sessions.ask(`CREATE ROLE ${user} LOGIN`);
  });
  beforeEach(() => {
    size = 0;
  });
  afterEach(async () => {
    await pgbouncer.close();
    await clients.close();
    await server.sessions.endAll();
  });

  /** A pool of this size, held by clients that are idle; so many more wait. */
  async function stage(poolSize: number): Promise<Diagnosis> {
    size = poolSize;
    const settings = { pool_mode: 'session', default_pool_size: size };
    pgbouncer = await startPgBouncer(server.cluster, settings, {
      users: [user],
      serverUser: 'as itself',
    });
    clients = new PoolerClients(pgbouncer);
    await clients.open(size, { user, application }, 'SELECT 1');
    await clients.until('the pool is used up', ({ servers }) => servers >= size);
    await clients.open(waiting, { user, application }, 'SELECT 1');
    await clients.until(
      'they have waited',
      (reading) => reading.clientsWaiting === waiting && reading.longestWaitSeconds >= 1.2,
    );
    return diagnoseOnce(server.cluster, {
      more: { poolers: consoleOf(pgbouncer) },
      target: { services: [{ name: application, workers: 1, poolSize: 20, maxOverflow: 10 }] },
    });
  }

  function expectTheLimitOfThePooler({ state, headline, findings }: Diagnosis): void {
    expect(state).toBe('critical');
    expect(headline).toContain(`${waiting} clients wait in PgBouncer`);
    const found = findings.find(({ id }) => id === 'pooler-queue');
    expect(found?.severity).toBe('critical');
    expect(found?.summary).toContain('In session mode each client keeps its connection');
    expect(found?.summary).toContain(`${size} server connections are in use (pool_size)`);
    expect(found?.fix).toContain('use transaction mode');
  }

  test('with room in PostgreSQL: the pooler’s limit is what to raise, and no pool to shrink', async () => {
    const diagnosis = await stage(seeded.between(6, 12));
    expectTheLimitOfThePooler(diagnosis);
    const { verdict, causes, proposals, findings } = diagnosis;
    expect(verdict).toContain('Likely cause: pooler queue.');
    expect(causes).toEqual([]);
    expect(proposals).toEqual([]);
    expect(findings.find(({ id }) => id === 'pooler-queue')?.fix).toContain('raise pool_size');
  });

  test('with PostgreSQL short of slots too, the pool is not too large, and none is resized', async () => {
    const diagnosis = await stage(seeded.between(33, 34));
    expectTheLimitOfThePooler(diagnosis);
    const { causes, proposals, findings, budget } = diagnosis;
    expect(findings.map(({ id }) => id)).toContain('capacity-critical');
    expect(causes.map(({ cause }) => cause)).not.toContain('pool-misconfiguration');
    expect(causes.map(({ cause }) => cause)).not.toContain('application-scaling');
    expect(proposals.map(({ option }) => option)).not.toContain('E');
    expect(findings.find(({ id }) => id === 'pooler-queue')?.fix).not.toContain('raise');
    expect(budget).toMatchObject({ lines: [], poolers: [{ mayOpen: size, holds: size }] });
  });
});
