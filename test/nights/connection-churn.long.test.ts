import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Diagnosis } from '../../src/runbook/diagnose/diagnosis.ts';
import type { TargetMonitor } from '../../src/runbook/loop/target-monitor.ts';
import { until } from '../support/until.ts';
import { LoginStorm } from './support/login-storm.ts';
import { watch } from './support/night.ts';
import { everyVariant } from './support/variants.ts';
import { useNightServer } from './support/night-server.ts';

/** Night 20: an application without a pool logs in for every request. The server is slow to let sessions in, and alive. */
const server = useNightServer({ settings: { max_connections: 60 } });

/** Every login waits for so long before it is over; 0 ends that. Those that wait now wait on. */
async function delayLogins(seconds: number): Promise<void> {
  await server.sessions.ask(`ALTER SYSTEM SET post_auth_delay = ${seconds}`);
  await server.sessions.ask('SELECT pg_reload_conf()');
}

describe.each(everyVariant)('a storm of logins ($seed)', ({ seeded, user }) => {
  const clients = seeded.between(12, 24);
  let storm: LoginStorm;
  let monitor: TargetMonitor;

  beforeAll(async () => {
    await server.sessions.ask(`CREATE ROLE ${user} LOGIN`);
    monitor = watch(server.cluster);
    storm = new LoginStorm(server.cluster, user, clients);
    await until('they come and go', () => Promise.resolve(storm.logins > 3 * clients));
  });
  afterAll(async () => {
    storm.end();
    await delayLogins(0);
    await monitor.close();
  });

  /** A look between two logins sees nobody, so that on a busy machine it may take another one. */
  async function untilNamed(look: () => Promise<Diagnosis>): Promise<Diagnosis> {
    let told: Diagnosis | undefined;
    await until('it is named', async () => {
      told = await look();
      return told.findings.some(({ id }) => id === 'connection-churn');
    });
    if (told === undefined) throw new Error('Nobody looked.');
    return told;
  }

  async function lookCold(): Promise<Diagnosis> {
    const cold = watch(server.cluster);
    const told = await cold.diagnose('night');
    await cold.close();
    return told;
  }

  test.for(['connection', 'warm'])('is named with its rate, reached by %s', async (via) => {
    if (via === 'warm') await monitor.diagnose('night');
    const told = await untilNamed(via === 'warm' ? () => monitor.diagnose('night') : lookCold);
    const { state, reach, verdict, findings, proposals, headline } = told;
    expect(reach.via).toBe(via);
    expect(state).toBe('warning');
    expect(verdict).toMatch(/^Likely cause: connection churn\. About \d+ sessions per second/);
    expect(headline).not.toMatch(/hang|full in/);
    expect(proposals).toEqual([]);
    const churn = findings.find(({ id }) => id === 'connection-churn');
    expect(churn?.fix).toMatch(
      /PgBouncer.*Ending sessions or raising max_connections does not stop/,
    );
    expect(churn?.evidence[0]).toMatch(/^\d+ sessions started and ended within/);
  });

  test('is slow, and never said to hang, where a login takes longer than a look may', async () => {
    await delayLogins(8);
    const cold = watch(server.cluster);
    try {
      const began = performance.now();
      const { state, headline, reach, findings } = await cold.diagnose('night');
      expect(performance.now() - began).toBeLessThan(5000);
      expect(state).toBe('critical');
      expect(reach.error?.kind).toBe('slow');
      expect(headline).toBe(
        'PostgreSQL is slow: it accepts connections, but a login takes seconds.',
      );
      expect(findings.map(({ id }) => id)).toContain('server-slow');
      expect(JSON.stringify(findings)).not.toMatch(/hang/);
    } finally {
      await cold.close();
      await delayLogins(0);
    }
  });
});
