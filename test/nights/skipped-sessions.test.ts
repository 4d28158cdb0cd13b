import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/timing.ts';
import { createIdleSessions } from '../../src/postgres/privileged/idle-sessions.ts';
import type { Diagnosis } from '../../src/runbook/diagnose/diagnosis.ts';
import type { RemedyRequest } from '../../src/runbook/remedies/remedy-request.ts';
import { createOptionA } from '../../src/runbook/remedies/a-terminate-idle/terminate-idle.ts';
import type { Remedy } from '../../src/runbook/remedies/remedy.ts';
import { defaultLimits } from '../../src/runbook/snapshot/target.ts';
import type { Target } from '../../src/runbook/snapshot/target.ts';
import { aTarget } from '../runbook/diagnose/builders.ts';
import { until } from '../support/until.ts';
import { useNightServer } from './support/night-server.ts';
import { optionD } from './support/option-d.ts';
import { variants } from './support/variants.ts';
import { diagnoseOnce } from './support/night.ts';

/** Whatever the plan spares, the proposal does not count: roles with REPLICATION, protected names, poolers, people. */
const night = useNightServer({ settings: { max_connections: 30 } });
const limits = {
  ...defaultLimits,
  lockWaitMs: 1,
  slowQueryMs: 500,
  terminateIdleMs: 500,
  terminateIdleInTransactionMs: 500,
};

describe.each(variants)('sessions that are skipped ($seed)', ({ seeded, applications, user }) => {
  const [service, backup] = applications;
  const target: Partial<Target> = {
    services: [{ name: service, workers: 1 }],
    protectedApplications: [backup],
    limits,
  };
  const many = seeded.between(3, 5);
  const skipped = [
    { user: `${user}_repl`, application: service },
    { user, application: backup },
    { user, application: 'pgbouncer' },
    { user: 'postgres', application: 'psql' },
  ];

  beforeAll(async () => {
    await night.sessions.ask(`CREATE ROLE ${user} LOGIN`);
    await night.sessions.ask(`CREATE ROLE ${user}_repl LOGIN REPLICATION`);
  });
  afterEach(() => night.sessions.endAll());

  /** The same statement in sessions that may be ended and in those that are skipped, until it has lasted. */
  async function all(statement: string, state: string): Promise<void> {
    const opened = await night.sessions.openMany(many, { user, application: service });
    for (const one of skipped) opened.push(await night.sessions.open(one));
    for (const one of opened) one.begin(statement);
    await until(`${opened.length} sessions ${state} for half a second`, async () => {
      const rows = await night.sessions.ask(
        `SELECT FROM pg_stat_activity WHERE pid = ANY ($1) AND state = $2
            AND greatest(state_change, query_start) < clock_timestamp() - interval '600 ms'`,
        [opened.map(({ pid }) => pid), state],
      );
      return rows.length === opened.length;
    });
  }

  async function look(): Promise<Diagnosis> {
    return diagnoseOnce(night.cluster, { limits, target });
  }

  async function planned(remedy: Remedy, ask: RemedyRequest): Promise<number> {
    const answer = await remedy.propose(ask);
    return answer.ok ? answer.value.targets.length : 0;
  }

  const optionA = (): Remedy =>
    createOptionA({
      privileged: createIdleSessions({ url: night.cluster.url('acting') }),
      clock: systemClock,
      target: aTarget(target),
    });

  test('A counts those in a transaction that its plan ends', async () => {
    await all('BEGIN', 'idle in transaction');
    const { proposals } = await look();
    const idleForMs = limits.terminateIdleInTransactionMs;
    const ends = await planned(optionA(), { kind: 'idle-in-transaction', idleForMs });
    expect(ends).toBe(many);
    expect(proposals.find(({ command }) => command === 'propose A')?.slotsFreed).toBe(ends);
  });

  test('A counts idle ones that its plan ends', async () => {
    await night.sessions.openMany(14, { user, application: service });
    await all('SELECT 1', 'idle');
    const { proposals } = await look();
    const idleForMs = limits.terminateIdleMs;
    const ends = await planned(optionA(), { kind: 'idle', application: service, idleForMs });
    expect(ends).toBe(many + 14);
    expect(proposals.find(({ command }) => command === `propose A ${service}`)?.slotsFreed).toBe(
      ends,
    );
  });

  test('D counts slow statements that its plan cancels', async () => {
    await all('SELECT pg_sleep(600)', 'active');
    const { proposals } = await look();
    const runningForMs = limits.slowQueryMs;
    const stops = await planned(optionD(night.cluster, target), {
      kind: 'cancel-slow',
      runningForMs,
    });
    expect(stops).toBe(many);
    const slow = proposals.find(({ command }) => command === 'propose D slow');
    expect(slow?.summary).toContain(`Cancel ${stops} queries`);
  });

  test('D leaves a root of a role with REPLICATION alone, as its plan does', async () => {
    const root = await night.sessions.open(skipped[0]);
    await root.run('BEGIN', 'SELECT pg_advisory_xact_lock(1)');
    for (const one of await night.sessions.openMany(many, { user, application: service })) {
      one.begin('SELECT pg_advisory_xact_lock(1)');
    }
    await until('they wait', async () => {
      const rows = await night.sessions.ask(
        `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'`,
      );
      return rows.length === many;
    });
    const { proposals } = await look();
    expect(await planned(optionD(night.cluster, target), { kind: 'stop-blockers' })).toBe(0);
    const stop = proposals.find(({ option }) => option === 'D');
    expect(stop).not.toHaveProperty('command');
    expect(stop?.blocked).toContain('a replication role');
  });
});
