import { expect, test } from 'vitest';
import type { ReplicaReading } from '../../../src/runbook/snapshot/snapshot.ts';
import { aSnapshot } from '../diagnose/builders.ts';
import { Stack, aReplica, outcomesOf, toList } from './replica-stack.ts';

test.for<[string, (replicas: ReplicaReading[]) => ReplicaReading[], string]>([
  [
    'stopped',
    ([r1, , r3]) => toList(r1, aReplica(2, { state: 'exited' }), r3),
    'it is not running',
  ],
  ['scaled away', ([r1, , r3]) => toList(r1, r3), 'it is gone'],
  [
    'restarted by somebody',
    ([r1, , r3]) => toList(r1, aReplica(2, { startedAt: '2026-11-23T03:00:02.000Z' }), r3),
    'it was restarted since the plan',
  ],
])('one that is %s while the first restarts is passed over', async ([, change, reason]) => {
  const stack = new Stack();
  const { control } = stack;
  stack.control = {
    ...control,
    record: async (step) => {
      await control.record(step);
      if (step.step === 0) stack.replicas = change(stack.replicas);
    },
  };
  const report = await stack.run();
  expect(outcomesOf(report)).toEqual(['restarted', 'moved on', 'restarted']);
  expect(report.items[1]?.detail).toContain(reason);
  expect(report.finished).toBe(true);
  expect(stack.steps).not.toContain('restart r2');
});

/** What happens to the replicas once the first one is restarted. */
function meanwhile(stack: Stack, change: (replicas: ReplicaReading[]) => ReplicaReading[]): void {
  const { control } = stack;
  stack.control = {
    ...control,
    record: async (step) => {
      await control.record(step);
      if (step.step === 0) stack.replicas = change(stack.replicas);
    },
  };
}

test('replicas that appear while the others restart are told and left as they are', async () => {
  const stack = new Stack();
  meanwhile(stack, (replicas) => [...replicas, aReplica(4), aReplica(5, { state: 'created' })]);
  const report = await stack.run();
  expect(report.items.map(({ what, outcome }) => `${what} ${outcome}`)).toEqual([
    'shop-backend-1 restarted',
    'shop-backend-2 restarted',
    'shop-backend-3 restarted',
    'shop-backend-4 not reached',
  ]);
  expect(report.items[3]?.detail).toBe('It came after the plan was made, so it was not restarted.');
  expect(report.summary).toContain('Of 3 replicas: 3 restarted. 1 new replica not restarted.');
  expect(report.finished).toBe(true);
  expect(stack.progress).toEqual([
    'shop-backend-4 is new and was not approved, so it is not restarted',
  ]);
  expect(stack.steps.filter((step) => step.startsWith('restart '))).toHaveLength(3);
});

test('one that was recreated meanwhile is skipped under its old id and told under its new one', async () => {
  const stack = new Stack();
  meanwhile(stack, ([r1, , r3]) => toList(r1, aReplica(2, { id: 'fresh' }), r3));
  const report = await stack.run();
  expect(outcomesOf(report)).toEqual(['restarted', 'moved on', 'restarted', 'not reached']);
  expect(stack.progress.join('\n')).toContain('shop-backend-2 is skipped: it is gone');
});

test('scaled down to one meanwhile, the last one is left running: nobody approved that the service is down', async () => {
  const stack = new Stack();
  meanwhile(stack, ([, , r3]) => toList(r3));
  const report = await stack.run();
  expect(outcomesOf(report)).toEqual(['restarted', 'moved on', 'moved on']);
  expect(report.items[2]?.detail).toContain('the only replica still running');
});

test('scaled down to none meanwhile, the others are skipped and the row is over', async () => {
  const stack = new Stack();
  const { takeSnapshot } = stack;
  let isDown = false;
  meanwhile(stack, (replicas) => {
    isDown = true;
    return replicas;
  });
  const problem = { kind: 'missing', summary: 'Docker has no container of it.' } as const;
  const gone = { services: [{ name: 'backend', replicas: [], problem }] };
  const remedy = stack.remedy({
    takeSnapshot: async () => (isDown ? aSnapshot({ services: gone }) : takeSnapshot()),
  });
  const plan = await stack.plan();
  const report = await remedy.run(plan, plan.targets, stack.control);
  expect(outcomesOf(report)).toEqual(['restarted', 'moved on', 'moved on']);
});

test('a replica that Docker did not describe is skipped as not checked, not as restarted by somebody', async () => {
  const stack = new Stack();
  meanwhile(stack, ([r1, , r3]) => toList(r1, aReplica(2, { startedAt: null }), r3));
  expect((await stack.run()).items[1]?.detail).toBe('Skipped: it could not be checked.');
});

test('after a crash, a replica that came meanwhile is told too', async () => {
  const stack = new Stack();
  const plan = await stack.plan();
  const since = new Date(stack.clock.now()).toISOString();
  stack.replicas.push(aReplica(4));
  const report = await stack.remedy().recover({ plan, since, steps: [] }, stack.control);
  expect(report.items.at(-1)).toMatchObject({ what: 'shop-backend-4', outcome: 'not reached' });
});
