import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Diagnosis } from '../../src/runbook/diagnose/diagnosis.ts';
import type { TargetMonitor } from '../../src/runbook/loop/target-monitor.ts';
import { until } from '../support/until.ts';
import { container, containersOf } from './support/containers.ts';
import { useNightServer } from './support/night-server.ts';
import { watch } from './support/night.ts';
import { variants } from './support/variants.ts';

/** Night 17: other dbconns look at the same server, and rest in between. They change no conclusion. */
const server = useNightServer({ settings: { max_connections: 60 } });

const limits = { idleInTransactionWarningMs: 1_000, terminateIdleMs: 60_000 };

describe.each(variants)('a second dbconn beside ($seed)', ({ seeded, applications, user }) => {
  const [service, other] = applications;
  const target = { services: [service, other].map((name) => ({ name, workers: 1 })) };
  const services = containersOf(
    Object.fromEntries(
      [service, other].map((name) => [name, [container(`${name}-1`, { number: 1 })]]),
    ),
  );
  const open = (): TargetMonitor => watch(server.cluster, { limits, target, services });
  const restAll = (many: number): Promise<void> =>
    until('all have rested for long', async () => {
      const rows = await server.sessions.ask(
        `SELECT FROM pg_stat_activity WHERE state = 'idle' AND now() - state_change > interval '1.3 s'`,
      );
      return rows.length >= many;
    });
  const told = ({ causes, proposals, holders, state, verdict }: Diagnosis): unknown => ({
    causes: causes.map(({ cause, summary }) => [cause, summary]),
    proposals: proposals.map(({ option, subject, slotsFreed }) => [option, subject, slotsFreed]),
    holders: holders.map(({ name, total, idle }) => [name, total, idle]),
    state,
    verdict,
  });

  beforeAll(() => server.sessions.ask(`CREATE ROLE ${user} LOGIN`));
  afterEach(() => server.sessions.endAll());

  test('and a third: cause, proposals and holders are as without them', async () => {
    const idle = seeded.between(45, 47);
    const half = Math.floor(idle / 2);
    await server.sessions.openMany(half, { user, application: service });
    await server.sessions.openMany(idle - half, { user, application: other });
    await restAll(idle);
    const alone = open();
    const beside = [open(), open()];
    try {
      const before = await alone.diagnose('night');
      for (const one of beside) await one.diagnose('night');
      // The first dbconn keeps its connection too, and asks on it again.
      await restAll(idle + beside.length);
      const after = await alone.diagnose('night');
      expect(after.capacity?.used).toBe((before.capacity?.used ?? 0) + beside.length);
      expect(told(after)).toEqual(told(before));
      expect(after.holders.map(({ name }) => name)).not.toContain('dbconn');
      expect(after.sessions.map(({ application }) => application)).not.toContain('dbconn');
      expect(after.proposals.map(({ option }) => option)).not.toContain('B');
    } finally {
      await Promise.all([alone, ...beside].map((monitor) => monitor.close()));
    }
  });
});
