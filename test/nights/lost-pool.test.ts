import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Diagnosis } from '../../src/runbook/diagnose/diagnosis.ts';
import { until } from '../support/until.ts';
import { container, containersOf, metricsOf } from './support/containers.ts';
import { useNightServer } from './support/night-server.ts';
import { variants } from './support/variants.ts';
import { diagnoseOnce } from './support/night.ts';

/**
 * Night 2: the pool counts connections as in use that PostgreSQL has ended. Night 7: every request that has one, in a
 * transaction, waits for a second one. A larger pool would lose more, or be used up in the same way.
 */
const server = useNightServer({ settings: { max_connections: 60 } });

describe.each(variants)('a pool that is lost ($seed)', ({ seeded, applications, user }) => {
  const [service, other] = applications;
  const size = seeded.between(6, 12);
  const maxOverflow = seeded.between(0, 6);
  const out = size + maxOverflow;
  const pools = metricsOf(service, [{ size, maxOverflow, checkedOut: out, checkedIn: 0 }]);
  const services = containersOf({ [service]: [container(`${service}-1`, { number: 1 })] });
  const target = { services: [service, other].map((name) => ({ name, workers: 1 })) };

  const look = async (): Promise<Diagnosis> => {
    const limits = { idleInTransactionWarningMs: 20_000 };
    return diagnoseOnce(server.cluster, { limits, target, services, pools });
  };
  const expectRestart = ({ state, causes, proposals }: Diagnosis): void => {
    expect(state).not.toBe('fine');
    expect(causes[0]?.cause).toBe('connection-leak');
    expect(causes.map(({ cause }) => cause)).not.toContain('pool-misconfiguration');
    expect(proposals[0]).toMatchObject({ option: 'C', command: `propose C ${service}` });
    expect(proposals.map(({ option }) => option)).not.toContain('E');
  };

  beforeAll(() => server.sessions.ask(`CREATE ROLE ${user} LOGIN`));
  afterEach(() => server.sessions.endAll());

  test('its connections are gone: said so, and the service is restarted', async () => {
    await server.sessions.openMany(3, { user, application: other });
    const diagnosis = await look();
    expectRestart(diagnosis);
    expect(diagnosis.verdict).toContain(`The pool of ${service} holds connections that`);
    expect(diagnosis.causes[0]?.because[0]).toContain(`${out} connections in use`);
  });

  test('it waits for itself: said so, and the service is restarted', async () => {
    const held = await server.sessions.openMany(out, { user, application: service });
    for (const [at, session] of held.entries())
      await session.run('BEGIN', `SELECT ${at} AS n${at}`);
    await until('all are idle in transaction for over a second', async () => {
      const rows = await server.sessions.ask(
        `SELECT FROM pg_stat_activity WHERE state = 'idle in transaction' AND now() - state_change > interval '1.1 s'`,
      );
      return rows.length === out;
    });
    const diagnosis = await look();
    expectRestart(diagnosis);
    expect(diagnosis.verdict).toContain(`The pool of ${service} is deadlocked`);
  });
});
