import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { exitCodeOf } from '../../src/terminal/output.ts';
import { until } from '../support/until.ts';
import { container, containersOf } from './support/containers.ts';
import { useNightServer } from './support/night-server.ts';
import { variants } from './support/variants.ts';
import { diagnoseOnce } from './support/night.ts';

/** Night 25: a leak that has just begun. What the state says, the exit code and the verdict are one. */
const server = useNightServer({ settings: { max_connections: 80 } });

describe.each(variants)('a fast leak ($seed)', ({ seeded, applications, user, table }) => {
  const [service, other] = applications;
  const target = { services: [service, other].map((name) => ({ name, workers: 1 })) };
  const services = containersOf({ [service]: [container(`${service}-1`, { number: 1 })] });
  const leaked = seeded.between(20, 30);

  beforeAll(async () => {
    await server.sessions.ask(`CREATE ROLE ${user} LOGIN`);
    await server.sessions.ask(`CREATE TABLE ${table} (id int)`);
    await server.sessions.ask(`GRANT SELECT ON ${table} TO ${user}`);
  });
  afterEach(() => server.sessions.endAll());

  test('with room left is a warning, named', async () => {
    await server.sessions.openMany(seeded.between(5, 15), { user, application: other });
    for (const session of await server.sessions.openMany(leaked, { user, application: service })) {
      await session.run('BEGIN', `SELECT * FROM ${table} WHERE id = ${session.pid}`);
    }
    await until('all linger', async () => {
      const rows = await server.sessions.ask(
        `SELECT FROM pg_stat_activity WHERE state = 'idle in transaction' AND now() - state_change > interval '1.1 s'`,
      );
      return rows.length === leaked;
    });
    const limits = { idleInTransactionWarningMs: 10_000 };
    const diagnosis = await diagnoseOnce(server.cluster, { limits, target, services });
    expect(diagnosis.capacity?.utilisation).toBeLessThan(0.8);
    expect(diagnosis.findings.every(({ severity }) => severity === 'info')).toBe(true);
    expect(diagnosis.causes[0]?.cause).toBe('connection-leak');
    expect(diagnosis.verdict).toMatch(/^Likely cause: connection leak/);
    expect(diagnosis.state).toBe('warning');
    expect(exitCodeOf(diagnosis)).toBe(1);
  });
});
