import { describe, expect, test } from 'vitest';
import type {
  LogClassCount,
  SessionReading,
  Snapshot,
} from '../../../src/runbook/snapshot/snapshot.ts';
import type { PlanDraft } from '../../../src/runbook/remedies/plan.ts';
import { startedAtMs } from '../approvals/world.ts';
import {
  aProblem,
  aReading,
  aSession,
  aSnapshot,
  aSource,
  aTarget,
  lines,
  refused,
} from '../diagnose/builders.ts';
import { aPoolerLook, aPoolerReading } from '../diagnose/pooler-builders.ts';
import { Stack, aReplica, ask, outcomesOf } from './replica-stack.ts';

test('the plan names each replica with its connections, and warns of migrations', async () => {
  const plan = await new Stack().plan();
  expect(plan).toMatchObject({
    title: 'Restart backend, 3 replicas',
    targets: [{ id: 'r1', connections: 30 }, { id: 'r2' }, { id: 'r3' }],
    frees: { slots: 90 },
    risk: 'low',
  });
  expect(plan.cost.join(' ')).toContain('migrations');
});

test('sessions whose name ends in the address or id of a process count as the diagnosis counts them', async () => {
  const sources = ['backend - 10.9.0.7:40001', 'backend-7f9c6d5b4-x2x9z', 'backend', 'reports'].map(
    (application) => aSource({ application, client: '10.9.0.1', total: 10 }),
  );
  const stack = new Stack();
  const { services } = await stack.takeSnapshot();
  const takeSnapshot = (): Promise<Snapshot> =>
    Promise.resolve({ ...aSnapshot({ reading: aReading({ sources }) }), services });
  expect(await stack.remedy({ takeSnapshot }).propose(ask)).toMatchObject({
    value: { frees: { slots: 30 } },
  });
});

test('replicas restart one after another, each intended before and recorded after', async () => {
  const stack = new Stack();
  const report = await stack.run();
  expect(outcomesOf(report)).toEqual(['restarted', 'restarted', 'restarted']);
  expect(report.summary).toBe('Of 3 replicas: 3 restarted. Its connections: 90 before, 15 after.');
  expect(stack.steps.slice(0, 4)).toEqual([
    'intend restart shop-backend-1',
    'restart r1',
    'record shop-backend-1: restarted',
    'intend restart shop-backend-2',
  ]);
});

test.for([
  ['postgres', 'postgres'],
  ['bot', 'own-service'],
  ['frontend', 'unknown-service'],
] as const)('%s is never restarted', async ([service, kind]) => {
  const answer = await new Stack().remedy().propose({ kind: 'restart', service });
  expect(answer).toMatchObject({ ok: false, refusal: { kind } });
});

test('the container dbconn runs in, and one that somebody stopped, are skipped', async () => {
  const stack = new Stack();
  stack.replicas = [aReplica(1), aReplica(2, { state: 'exited' }), aReplica(3)];
  const remedy = stack.remedy({ refusedContainers: ['r1'] });
  expect(await remedy.propose(ask)).toMatchObject({
    value: {
      targets: [{ id: 'r3' }],
      skipped: [{ reason: 'dbconn runs in it' }, { reason: 'it is not running' }],
    },
  });
});

test('without Docker the refusal says what to mend', async () => {
  const services = aProblem('forbidden', 'Add it to the group.');
  const takeSnapshot = (): Promise<Snapshot> => Promise.resolve(aSnapshot({ services }));
  const answer = await new Stack().remedy({ takeSnapshot }).propose(ask);
  expect(answer).toMatchObject({ refusal: { next: 'Add it to the group.' } });
});

test('a crash loop ends the row, shows its last lines, and leaves the others running', async () => {
  const stack = new Stack();
  const lastLogLines = ['ImportError: no module named shop'];
  stack.outcomes.set('r2', { result: 'crash-loop', exitCode: 1, lastLogLines });
  const report = await stack.run();
  expect(outcomesOf(report)).toEqual(['restarted', 'crash loop', 'not reached']);
  expect(report.items[1]).toMatchObject({
    detail: 'It was restarted and keeps crashing. Its exit code is 1.',
    lines: lastLogLines,
  });
  expect(report.items[2]?.detail).toBe('shop-backend-2 did not come up.');
  expect(report.finished).toBe(false);
});

test('a process that had to be killed is reported as one', async () => {
  const stack = new Stack();
  stack.outcomes.set('r2', { killed: true });
  const { items } = await stack.run();
  expect(items.map(({ killed = false }) => killed)).toEqual([false, true, false]);
  expect(items[1]?.detail).toContain('did not end within');
});

test('the first replica restarts although PostgreSQL refuses, the next waits until it is calm', async () => {
  const stack = new Stack();
  stack.refusingUntilMs = startedAtMs + 15_000;
  expect(outcomesOf(await stack.run())).toEqual(['restarted', 'restarted', 'restarted']);
  expect(stack.clock.now()).toBeGreaterThan(stack.refusingUntilMs);
});

test('a storm that does not calm holds the rest back', async () => {
  const stack = new Stack();
  stack.refusingUntilMs = Number.POSITIVE_INFINITY;
  const report = await stack.run();
  expect(outcomesOf(report)).toEqual(['restarted', 'not reached', 'not reached']);
  expect(report.items[1]?.detail).toMatch(/^Paused to protect PostgreSQL: PostgreSQL refused/);
});

test('a pool that would not fit into the free slots is held back', async () => {
  const stack = new Stack();
  stack.replicas = stack.replicas.map((replica) => ({
    ...replica,
    pool: { ...replica.pool, size: 60, maxOverflow: 10 },
  }));
  const report = await stack.run();
  expect(outcomesOf(report)).toEqual(['restarted', 'not reached', 'not reached']);
  expect(report.items[1]?.detail).toContain('its pool may open 70 connections, and only 62');
});

test('an emergency stop halts between two replicas', async () => {
  const stack = new Stack();
  stack.control = {
    ...stack.control,
    record: () => Promise.resolve(void (stack.stopped = true)),
  };
  expect(outcomesOf(await stack.run())).toEqual(['restarted', 'not reached', 'not reached']);
});

test('a replica that is gone or was restarted since the plan is skipped, and a new one is not added', async () => {
  const stack = new Stack();
  const plan = await stack.plan();
  const startedAt = '2026-11-23T02:59:00.000000000Z';
  stack.replicas = [aReplica(2, { startedAt }), aReplica(3), aReplica(4)];
  const { left, skipped } = await stack.remedy().recheck(plan);
  expect(left).toEqual(plan.targets.slice(2));
  expect(skipped.map(({ what, reason }) => `${what}: ${reason}`)).toEqual([
    'shop-backend-1: it is gone or could not be checked',
    'shop-backend-2: it was restarted since the plan',
  ]);
});

test('a service that was scaled up since the plan loses none of its new replicas', async () => {
  const stack = new Stack();
  const plan = await stack.plan();
  stack.replicas.push(aReplica(4), aReplica(5));
  const { left, skipped } = await stack.remedy().recheck(plan);
  expect(skipped).toEqual([]);
  await stack.remedy().run(plan, left, stack.control);
  const restarted = stack.steps.filter((step) => step.startsWith('restart '));
  expect(restarted).toEqual(['restart r1', 'restart r2', 'restart r3']);
});

test('what is left of a service that was scaled down to one replica is not restarted: nobody approved that it is down', async () => {
  const stack = new Stack();
  const plan = await stack.plan();
  stack.replicas = [aReplica(3)];
  const { left, skipped } = await stack.remedy().recheck(plan);
  expect(left).toEqual([]);
  expect(skipped.at(-1)?.reason).toContain('the only replica still running');
  const again = await stack.plan();
  expect(again.cost).toContain('The service is down until its only replica is healthy again.');
  expect(await stack.remedy().recheck(again)).toMatchObject({ left: [{ id: 'r3' }], skipped: [] });
});

test('a replica that was stopped since the plan is not started', async () => {
  const stack = new Stack();
  const plan = await stack.plan();
  stack.replicas = [aReplica(1), aReplica(2, { state: 'exited' }), aReplica(3)];
  expect(await stack.remedy().recheck(plan)).toMatchObject({
    left: [{ id: 'r1' }, { id: 'r3' }],
    skipped: [{ what: 'shop-backend-2', reason: 'it is not running' }],
  });
});

describe('with a pooler in front', () => {
  const poolers = [aPoolerLook({ name: 'pgbouncer', reading: aPoolerReading({ clients: 41 }) })];
  const target = aTarget({
    services: [
      { name: 'backend', workers: 1 },
      { name: 'pgbouncer', workers: 1 },
    ],
  });
  /** PgBouncer hands its client's application_name on. */
  const reading = aReading({
    sources: [aSource({ client: '10.0.0.9', application: 'backend', total: 6 })],
  });
  const services = {
    services: [
      { name: 'backend', replicas: [aReplica(1), aReplica(2, { addresses: ['10.0.0.5'] })] },
      { name: 'pgbouncer', replicas: [aReplica(9, { addresses: ['10.0.0.9'] })] },
    ],
  };
  const takeSnapshot = (): Promise<Snapshot> =>
    Promise.resolve(aSnapshot({ reading, services, poolers, pools: [] }));
  const propose = async (service: string): Promise<PlanDraft> => {
    const answer = await new Stack()
      .remedy({ takeSnapshot, target })
      .propose({ kind: 'restart', service });
    if (!answer.ok) throw new Error(answer.refusal.why);
    return answer.value;
  };

  test('its own restart says whose connections it costs', async () => {
    const { cost, frees, risk } = await propose('pgbouncer');
    expect(cost[0]).toBe('It is a pooler: 41 clients are disconnected.');
    expect(frees.slots).toBe(6);
    expect(risk).toBe('medium');
  });

  test('the restart of a service behind it promises no slots: the pooler keeps them', async () => {
    const { frees } = await propose('backend');
    expect(frees).toMatchObject({ slots: null });
    expect(frees.sentence).toContain('through a pooler');
  });
});

test('after a crash a look tells who was restarted, who was not, and who is down', async () => {
  const stack = new Stack();
  const plan = await stack.plan();
  const since = new Date(stack.clock.now()).toISOString();
  await stack.restartReplica('r1');
  stack.replicas = stack.replicas.map((replica) =>
    replica.id === 'r2' ? { ...replica, state: 'exited' } : replica,
  );
  const report = await stack.remedy().recover({ plan, since, steps: [] }, stack.control);
  expect(outcomesOf(report)).toEqual(['restarted', 'failed', 'not reached']);
  expect(report.summary).toContain('Start the stopped containers by hand.');
});

test('queries of the old processes that still run are listed and offered, and those of the new ones are not', async () => {
  const stack = new Stack();
  const from = (pid: number, change: Partial<SessionReading>): SessionReading =>
    aSession({ pid, state: 'active', client: '10.0.1.1', queryAgeSeconds: 200, ...change });
  stack.sessions = [
    from(1, { connectionAgeSeconds: 900 }),
    // The three restarts take 12 s, so this one belongs to a new process.
    from(2, { connectionAgeSeconds: 11 }),
    from(3, { connectionAgeSeconds: 900, client: '10.0.9.9' }),
    from(4, { connectionAgeSeconds: 900, state: 'idle' }),
    from(5, { connectionAgeSeconds: 900, own: true }),
    from(6, { connectionAgeSeconds: 13, queryAgeSeconds: null }),
  ];
  const report = await stack.run();
  expect(report.items.slice(3)).toEqual([
    {
      what: 'pid 1',
      outcome: 'still there',
      detail: 'Its query has been running for 3 min, but its process is gone.',
      lines: [],
    },
    expect.objectContaining({ what: 'pid 6' }),
  ]);
  expect(report.summary).toMatch(/^Of 3 replicas: 3 restarted\..* 2 queries of the old processes/);
  expect(report.followUps).toEqual([
    { kind: 'stop-session', pid: 1, how: 'terminate' },
    { kind: 'stop-session', pid: 6, how: 'terminate' },
  ]);
  expect(report.finished).toBe(true);
});

test('a replica that was not restarted has no old process', async () => {
  const stack = new Stack();
  stack.outcomes.set('r1', { result: 'not-restarted' });
  stack.sessions = [
    aSession({ state: 'active', client: '10.0.1.1', connectionAgeSeconds: 900 }),
    aSession({ state: 'active', client: '10.0.1.2', connectionAgeSeconds: 900 }),
  ];
  const report = await stack.run();
  expect(outcomesOf(report)).toEqual(['failed', 'not reached', 'not reached']);
  expect(report.followUps).toBeUndefined();
});

test('a report offers five at most', async () => {
  const stack = new Stack();
  stack.sessions = Array.from({ length: 9 }, (_, index) =>
    aSession({ pid: index + 1, state: 'active', client: '10.0.1.1', connectionAgeSeconds: 900 }),
  );
  expect((await stack.run()).followUps).toHaveLength(5);
});

test('dbconn at the limit of its own role is no storm, the application at its limit is one', async () => {
  const ofRole = (role: string): LogClassCount => ({
    ...lines('role-or-database-limit'),
    lastAt: '2099-01-01T00:00:00.000Z',
    example: `FATAL:  too many connections for role "${role}"`,
  });
  const stack = new Stack();
  const { role } = aReading().visibility;
  stack.logs = [ofRole(role)];
  expect(outcomesOf(await stack.run())).toEqual(['restarted', 'restarted', 'restarted']);
  const stormed = new Stack();
  stormed.logs = [ofRole('app')];
  expect(outcomesOf(await stormed.run())).toEqual(['restarted', 'not reached', 'not reached']);
  const limited = new Stack();
  limited.reach = { ...refused('full', { scope: 'role' }), via: 'reserved' };
  expect(outcomesOf(await limited.run())).toEqual(['restarted', 'restarted', 'restarted']);
});
