import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { LocalSocket } from '../../sandbox/patient/backend/local-socket.ts';
import type { Diagnosis } from '../../src/runbook/diagnose/diagnosis.ts';
import type { PoolReading } from '../../src/runbook/snapshot/readings.ts';
import type { ReplicaReading } from '../../src/runbook/snapshot/snapshot.ts';
import type { TargetMonitor } from '../../src/runbook/loop/target-monitor.ts';
import type { Session } from '../support/sessions.ts';
import { until } from '../support/until.ts';
import { container, containersOf, metricsOf } from './support/containers.ts';
import { useNightServer } from './support/night-server.ts';
import { watch } from './support/night.ts';
import { everyVariant } from './support/variants.ts';

/** Night 26: clients that are gone without closing. PostgreSQL keeps their sessions, and the pool opens others. */
const hba = ['host all all 127.0.0.0/8 trust'];
const server = useNightServer({ settings: { max_connections: 30 }, hba });

/** Hours are fractions of a second here. */
const limits = { idleInTransactionWarningMs: 1_000, terminateIdleMs: 400 };
const poolSize = 8;

describe.each(everyVariant)('abandoned clients ($seed)', ({ seeded, applications, user }) => {
  const [service] = applications;
  const lost = seeded.between(15, 16);
  const all = lost + poolSize;
  let pool: Pick<Session, 'run'>[];
  let monitor: TargetMonitor;
  let shown: Partial<ReplicaReading> = {};
  let metrics: Partial<PoolReading>[] = [];

  /** With what the container and its metrics show, while the pool is at work. */
  const look = async (
    replica: Partial<ReplicaReading> = {},
    pools: Partial<PoolReading>[] = [],
  ): Promise<Diagnosis> => {
    [shown, metrics] = [replica, pools];
    const over = new AbortController();
    const running = pool.map(async (session) => {
      while (!over.signal.aborted) {
        await session.run('SELECT 1');
        await sleep(50);
      }
    });
    try {
      return await monitor.diagnose('night');
    } finally {
      over.abort();
      await Promise.all(running);
    }
  };
  const sized = (size: number, maxOverflow: number): Partial<ReplicaReading> => ({
    pool: { size, maxOverflow, timeoutSeconds: null, recycleSeconds: null, prePing: null },
  });
  const named = ({ findings }: Diagnosis) => findings.find(({ id }) => id === 'abandoned-clients');
  const expectOnlyA = ({ proposals }: Diagnosis): void =>
    expect(proposals).toMatchObject([
      { option: 'A', slotsFreed: lost, blocked: null, command: `propose A ${service}` },
    ]);
  const openAt = async (address: string, many: number): Promise<Pick<Session, 'run'>[]> => {
    const connectionString = server.cluster.url(user);
    const clients = Array.from({ length: many }, () => {
      const stream = () => new LocalSocket(address);
      const client = new Client({ connectionString, application_name: service, stream });
      return client.on('error', () => undefined); // ended with the scene
    });
    for (const client of clients) await client.connect();
    return clients.map((client) => ({ run: async (sql) => void (await client.query(sql ?? '')) }));
  };
  const allSilent = (): Promise<void> =>
    until('all are silent for long', async () => {
      const rows = await server.sessions.ask(
        `SELECT FROM pg_stat_activity WHERE usename = '${user}' AND state = 'idle' AND now() - state_change > interval '0.45 s'`,
      );
      return rows.length === all;
    });

  beforeAll(() => server.sessions.ask(`CREATE ROLE ${user} LOGIN`));
  beforeEach(async () => {
    const now = () => containersOf({ [service]: [container(service, { number: 1, ...shown })] });
    const services = {
      readServices: () => now().readServices(),
      readLogs: () => Promise.resolve({ ok: true, tookMs: 0, value: [] } as const),
    };
    const pools = { readPools: () => metricsOf(service, metrics).readPools() };
    const target = { services: [{ name: service, workers: 1 }] };
    monitor = watch(server.cluster, { limits, target, services, pools });
    pool = [];
    await look(); // connected from here on
  });
  afterEach(async () => {
    await server.sessions.endAll();
    await monitor.close();
  });

  test('one after another: none of the six; the idle ones can be ended, and nothing else is offered', async () => {
    pool = await server.sessions.openMany(poolSize, { user, application: service });
    const opened = Date.now();
    const work = async (): Promise<void> => {
      await sleep(seeded.between(140, 170));
      await Promise.all(pool.map((session) => session.run('SELECT 1')));
    };
    while (Date.now() - opened < 1_100) await work();
    for (let gone = 0; gone < lost; gone += 1) {
      // The pool does not hear that one is gone: it only finds that it needs another one.
      pool = [...pool.slice(1), await server.sessions.open({ user, application: service })];
      await work();
    }
    await allSilent();
    // Without the pool's numbers, with those of a small one, and with those of one that may hold them all.
    const [plain, small, large] = [
      await look(),
      await look(sized(5, 5)),
      await look(sized(20, 20)),
    ];
    for (const diagnosis of [plain, small]) {
      expect(diagnosis.state).toBe('critical');
      expect(diagnosis.causes).toEqual([]);
      expect(diagnosis.verdict).toBe(
        `Likely cause: abandoned clients. ${lost} of ${all} connections of ${service} went idle one after another and were replaced by new ones.`,
      );
      expect(named(diagnosis)?.fix).toContain('tcp_keepalives_idle');
      expectOnlyA(diagnosis);
    }
    expect(named(large)).toBeUndefined();

    const counting = (checkedIn: number): Partial<PoolReading> => ({ checkedOut: 2, checkedIn });
    const few = await look(sized(20, 20), [counting(poolSize - 2)]);
    expect(few.causes).toEqual([]);
    expect(few.verdict).toContain(
      `${lost} of ${all} connections of ${service} are idle, but its pools know only ${poolSize}.`,
    );
    expectOnlyA(few);
    expect(named(await look({}, [counting(all - 2)]))).toBeUndefined();
  });

  test('at an address that no container has any more: named by that, until one has it', async () => {
    const [here, gone] = ['127.0.0.5', `127.0.0.${seeded.between(20, 200)}`];
    pool = await openAt(here, poolSize);
    await openAt(gone, lost);
    await allSilent();
    const diagnosis = await look({ addresses: [here] });
    expect(diagnosis.causes).toEqual([]);
    expect(diagnosis.verdict).toContain(
      `abandoned clients. ${lost} of ${all} connections of ${service} are idle; no running container has their addresses.`,
    );
    expectOnlyA(diagnosis);
    expect(named(await look({ addresses: [here, gone] }))).toBeUndefined();
    // Where none is at its container's, the address may be a gateway's.
    expect(named(await look({ addresses: ['10.0.0.2'] }))).toBeUndefined();
  });

  test('a pool that was busy once and is quiet now: nobody is gone', async () => {
    pool = await server.sessions.openMany(all, { user, application: service });
    const opened = Date.now();
    // Last in, first out: as the load falls, more and more of them rest.
    while (pool.length > poolSize) {
      await sleep(seeded.between(40, 70));
      await Promise.all(pool.map((session) => session.run('SELECT 1')));
      if (Date.now() - opened > 1_100) pool = pool.slice(0, -1);
    }
    await allSilent();
    const diagnosis = await look();
    expect(named(diagnosis)).toBeUndefined();
    expect(diagnosis.causes).toEqual([]);
    expect(diagnosis.proposals.map(({ option }) => option)).toEqual(['A']);
  });
});
