import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createPoolers } from '../../src/pgbouncer/poolers.ts';
import type { Diagnosis } from '../../src/runbook/diagnose/diagnosis.ts';
import { isPgBouncerInstalled, startPgBouncer } from '../../sandbox/patient/pgbouncer.ts';
import type { PgBouncer } from '../../sandbox/patient/pgbouncer.ts';
import { PoolerClients } from './support/pooler-clients.ts';
import { everyVariant } from './support/variants.ts';
import { useNightServer } from './support/night-server.ts';
import { diagnoseOnce } from './support/night.ts';

/** Night 13: several PgBouncers, each allowed less than the server has, and together far more. */
const usable = 47;
const server = useNightServer({ settings: { max_connections: usable + 3 } });

describe.skipIf(!isPgBouncerInstalled).each(everyVariant)('several poolers ($seed)', (variant) => {
  const { seeded, user, applications } = variant;
  /** A third of the server each, and two kinds of them with two or three replicas. */
  const each = seeded.between(14, 18);
  const replicas = [seeded.between(2, 3), seeded.between(2, 3)] as const;
  const together = each * (replicas[0] + replicas[1]);
  const poolers: PgBouncer[] = [];
  const clients: PoolerClients[] = [];

  beforeAll(async () => {
    await server.sessions.ask(`CREATE ROLE ${user} LOGIN`);
    // By the size of a pool, and by what one database may have: either is a ceiling.
    const limits = [
      { default_pool_size: each },
      { default_pool_size: each * 3, max_db_connections: each },
    ];
    for (const limit of limits) {
      const settings = { pool_mode: 'transaction', max_client_conn: 200, ...limit };
      const options = { users: [user], serverUser: 'as itself' };
      const pooler = await startPgBouncer(server.cluster, settings, options);
      poolers.push(pooler);
      clients.push(new PoolerClients(pooler));
    }
  });
  afterEach(async () => {
    await Promise.all(clients.map((one) => one.close()));
    // A statement goes on in PostgreSQL after its client is gone.
    await server.sessions.endAll();
  });
  afterAll(async () => {
    await Promise.all(poolers.map((one) => one.close()));
  });

  /** So many transactions at work through each of them. */
  async function look(busy: number): Promise<Diagnosis> {
    for (const one of clients) {
      const as = { user, application: applications[0] };
      await one.open(busy, as, 'SELECT pg_sleep(60)');
      await one.until('all are served', ({ servers }) => servers >= busy);
    }
    const consoles = poolers.map((one, index) => ({
      name: applications[index + 1] ?? '',
      url: one.url('stats', 'pgbouncer'),
      replicas: replicas[index] ?? 1,
    }));
    return diagnoseOnce(server.cluster, {
      more: { poolers: createPoolers({ consoles }) },
      target: { services: [{ name: applications[0], workers: 2, poolSize: 20, maxOverflow: 10 }] },
    });
  }

  test('their ceilings are added up over the replicas, and the service behind them is not counted', async () => {
    const { budget, findings, state } = await look(3);
    expect(budget.lines).toEqual([]);
    expect(budget.poolers).toEqual([
      { name: applications[1], replicas: replicas[0], mayOpen: each * replicas[0], holds: 3 },
      { name: applications[2], replicas: replicas[1], mayOpen: each * replicas[1], holds: 3 },
    ]);
    expect(budget.canExhaust).toBe(true);
    // Beside them dbconn and the scene have a session each.
    expect(budget.mayOpen).toBe(together + 2);
    const found = findings.find(({ id }) => id === 'budget-can-exhaust');
    expect(found?.summary).toContain(`may open ${together + 2} connections; ${usable} are usable`);
    expect(found?.evidence.join(' ')).toContain(`together ${each * replicas[0]}.`);
    expect(found?.fix).toContain('max_db_connections');
    // That they could is no trouble yet.
    expect(state).toBe('fine');
  });

  test('on a short server they are named, and no pool of a service is', async () => {
    await server.sessions.openMany(14, { application: 'psql' });
    const { verdict, causes, proposals, findings } = await look(13);
    expect(findings.map(({ id }) => id)).toContain('pooler-budget');
    expect(verdict).toContain('oversized poolers');
    expect(verdict).toContain(`may open ${together} connections and `);
    expect(causes).toEqual([]);
    expect(proposals.map(({ option }) => option)).not.toContain('E');
  });
});
