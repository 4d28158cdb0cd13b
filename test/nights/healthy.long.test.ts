import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Diagnosis } from '../../src/runbook/diagnose/diagnosis.ts';
import type { Session } from '../support/sessions.ts';
import { until } from '../support/until.ts';
import { container, containersOf, metricsOf } from './support/containers.ts';
import { useNightServer } from './support/night-server.ts';
import { watch } from './support/night.ts';
import type { NightOptions } from './support/night.ts';
import { everyVariant } from './support/variants.ts';

/** Night 30: load that is healthy. Fine, or the slots alone; never a cause. */
const server = useNightServer({ settings: { max_connections: 100 } });
beforeAll(async () => {
  await startBench(['--initialize', '--quiet']).ended;
});

/** PostgreSQL's own bench, as people run it. */
function startBench(words: readonly string[]): {
  readonly ended: Promise<unknown>;
  stop(): Promise<void>;
} {
  const bench = spawn('pgbench', [...words, server.cluster.url()], { stdio: 'ignore' });
  const ended = once(bench, 'close');
  const stop = async (): Promise<void> => {
    bench.kill();
    await ended;
  };
  return { ended, stop };
}

const limits = { idleInTransactionWarningMs: 5_000, terminateIdleMs: 20_000 };

describe.each(everyVariant)('a healthy load ($seed)', ({ seeded, applications, user, table }) => {
  const [service] = applications;
  const target = { services: [{ name: service, workers: 1 }] };
  const services = containersOf({ [service]: [container(`${service}-1`, { number: 1 })] });

  /** So many looks while the load runs. */
  const looks = async (many: number, more: NightOptions = {}): Promise<Diagnosis[]> => {
    const monitor = watch(server.cluster, { limits, target, services, ...more });
    try {
      const seen: Diagnosis[] = [];
      while (seen.length < many) seen.push(await monitor.diagnose('night'));
      return seen;
    } finally {
      await monitor.close();
    }
  };
  /** Runs the load in all sessions until the looks are done. */
  const during = async <T>(
    pool: readonly Session[],
    load: (session: Session) => Promise<unknown>,
    look: () => Promise<T>,
  ): Promise<T> => {
    const over = new AbortController();
    const running = pool.map(async (session) => {
      while (!over.signal.aborted) await load(session);
    });
    try {
      return await look();
    } finally {
      over.abort();
      await Promise.all(running);
    }
  };
  /** Whatever was said but that slots are short. */
  const alarmsOf = (seen: readonly Diagnosis[]): unknown[] =>
    seen.flatMap(({ state, causes, findings, verdict }) => {
      const loud = findings.filter(({ severity }) => severity !== 'info').map(({ id }) => id);
      return [
        ...causes,
        ...loud.filter((id) => !id.startsWith('capacity-')),
        ...(loud.length === 0 && state !== 'fine' ? [state] : []),
        ...(/likely|possibly/i.test(verdict) ? [verdict] : []),
      ];
    });

  beforeAll(async () => {
    await server.sessions.ask(`CREATE ROLE ${user} LOGIN`);
    await server.sessions.ask(`CREATE TABLE ${table} (id int PRIMARY KEY, balance int DEFAULT 0)`);
    await server.sessions.ask(`INSERT INTO ${table} SELECT generate_series(1, 1000)`);
    await server.sessions.ask(`GRANT ALL ON ${table} TO ${user}`);
  });
  afterEach(() => server.sessions.endAll());

  const clientsOf = async (application: string): Promise<number> => {
    const all = `SELECT FROM pg_stat_activity WHERE application_name = $1`;
    return (await server.sessions.ask(all, [application])).length;
  };

  const row = (): number => seeded.between(1, 1_000);

  test.each([
    ['that only read', ['--select-only']],
    ['whose transactions all write one row', []],
  ])('clients of pgbench %s: fine, twenty times', async (_, script) => {
    const clients = seeded.between(15, 25);
    const bench = startBench([...script, `--client=${clients}`, '--time=600']);
    try {
      await until('all clients are at work', async () => (await clientsOf('pgbench')) >= clients);
      expect(alarmsOf(await looks(20))).toEqual([]);
    } finally {
      await bench.stop();
    }
  });

  test('a web pool with think time that fills most of the server: the slots alone', async () => {
    const many = seeded.between(80, 84);
    const pool = await server.sessions.openMany(many, { user, application: service });
    const think = async ({ client }: Session): Promise<void> => {
      await client.query(`SELECT balance FROM ${table} WHERE id = ${row()}`);
      await sleep(seeded.between(50, 400));
    };
    const pools = metricsOf(service, [
      { size: many + 4, maxOverflow: 4, checkedOut: Math.round(many * 0.8), checkedIn: 4 },
    ]);
    expect(alarmsOf(await during(pool, think, () => looks(5, { pools })))).toEqual([]);
  });

  test('ninety idle of ninety-five by design, a few of them at work: the slots alone', async () => {
    const pool = await server.sessions.openMany(90, { user, application: service });
    const work = async ({ client }: Session): Promise<void> => {
      await client.query('SELECT pg_sleep(0.05)');
    };
    const [, ...seen] = await during(pool.slice(0, 5), work, () => looks(5));
    expect(alarmsOf(seen)).toEqual([]);
    expect(seen.flatMap(({ proposals }) => proposals.map(({ option }) => option))).not.toContain(
      'B',
    );
  });
});
