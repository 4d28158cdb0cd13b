import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Diagnosis } from '../../src/runbook/diagnose/diagnosis.ts';
import type { TargetMonitor } from '../../src/runbook/loop/target-monitor.ts';
import type { Session } from '../support/sessions.ts';
import { until } from '../support/until.ts';
import { container, containersOf } from './support/containers.ts';
import { useNightServer } from './support/night-server.ts';
import { watch } from './support/night.ts';
import { variants } from './support/variants.ts';

/** Night 6: one statement takes seconds instead of milliseconds, and nearly all sessions are in it. */
const server = useNightServer({ settings: { max_connections: 38 } });

/** How long the statement takes now; the same text whatever the server has to do for it. */
const statement = (seconds: number): string => `SELECT pg_sleep(${seconds})`;

describe.each(variants)('a plan that flips ($seed)', ({ seeded, applications, user }) => {
  const target = { services: applications.map((name) => ({ name, workers: 1 })) };
  const services = containersOf(
    Object.fromEntries(
      applications.map((name) => [
        name,
        [1, 2].map((number) => container(`${name}-${number}`, { number })),
      ]),
    ),
  );
  let monitor: TargetMonitor;
  let pool: Session[];
  let ended: Promise<unknown>[] = [];

  const run = (many: number, seconds: number): void => {
    // Those that still run when the scene ends are ended with it.
    ended = pool
      .slice(0, many)
      .map(({ client }) => client.query(statement(seconds)).catch(() => undefined));
  };

  beforeAll(async () => {
    await server.sessions.ask(`CREATE ROLE ${user} LOGIN`);
    monitor = watch(server.cluster, { target, services });
    const opened = applications.map((application) =>
      server.sessions.openMany(seeded.between(10, 11), { user, application }),
    );
    pool = (await Promise.all(opened)).flat();
  });
  afterAll(async () => {
    await monitor.close();
    await server.sessions.endAll();
  });

  const whileSlow = async (): Promise<Diagnosis> => {
    const many = pool.length - seeded.between(1, 3);
    run(many, 30);
    await until('all have run for over two seconds', async () => {
      const rows = await server.sessions.ask(
        `SELECT FROM pg_stat_activity WHERE state = 'active' AND now() - query_start > interval '2 s'`,
      );
      return rows.length === many;
    });
    return monitor.diagnose('night');
  };

  test('is named by what is usual, and never answered by more connections', async () => {
    for (let looks = 0; looks < 4; looks += 1) {
      run(seeded.between(2, 4), 0.05);
      const calm = await monitor.diagnose('night');
      expect(calm.causes.map(({ cause }) => cause)).not.toContain('slow-queries');
      await Promise.all(ended);
    }
    const { state, causes, proposals, verdict, findings } = await whileSlow();
    expect(state).toBe('critical');
    expect(causes[0]?.cause).toBe('slow-queries');
    expect(verdict).toMatch(/^Likely cause: slow queries\. \d+ queries take/);
    expect(causes[0]?.because.join(' ')).toMatch(/normally/i);
    expect(causes.map(({ cause }) => cause)).not.toContain('application-scaling');
    const offered = proposals.map(({ option }) => option);
    expect(offered).not.toContain('B');
    expect(offered).not.toContain('E');
    expect(findings.find(({ id }) => id === 'slower-than-usual')?.fix).toContain('EXPLAIN');
  });
});
