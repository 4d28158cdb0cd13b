import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { analyseLocks } from '../../../src/runbook/diagnose/locks.ts';
import type { WaiterReading } from '../../../src/runbook/snapshot/snapshot.ts';
import { aWaiter, locksOf } from './builders.ts';

test('a waiter behind queued DDL names the DDL and its holder, and only the holder is a root', () => {
  const { blocking, followers } = analyseLocks(
    locksOf([
      aWaiter(2, [1], { lock: 'relation AccessExclusiveLock' }),
      aWaiter(3, [2]),
      aWaiter(4, [2]),
    ]),
  );
  expect(blocking.roots).toEqual([{ pid: 1, victims: 3 }]);
  expect(blocking.waiters.map(({ pid, waitsFor }) => [pid, waitsFor])).toEqual([
    [2, [1]],
    [3, [2]],
    [4, [2]],
  ]);
  expect(followers.get(2)).toBe(2);
  expect(followers.get(3)).toBe(0);
});

test('a victim of two roots counts for both, once each', () => {
  const { blocking } = analyseLocks(
    locksOf([aWaiter(3, [1, 2]), aWaiter(4, [3, 1]), aWaiter(5, [2])]),
  );
  expect(blocking.roots).toEqual([
    { pid: 2, victims: 3 },
    { pid: 1, victims: 2 },
  ]);
});

test('a prepared transaction is a root by its gid', () => {
  const { blocking } = analyseLocks(
    locksOf([aWaiter(2, [0], { prepared: ['order-7'] }), aWaiter(3, [2])]),
  );
  expect(blocking.roots).toEqual([{ prepared: 'order-7', victims: 2 }]);
});

test('a prepared transaction whose gid is hidden is still a root', () => {
  const { blocking } = analyseLocks(locksOf([aWaiter(2, [0])]));
  expect(blocking.roots).toEqual([{ prepared: 'unknown', victims: 1 }]);
});

test('a ring has no root; whoever waits behind it is no part of it', () => {
  const { blocking, followers } = analyseLocks(
    locksOf([aWaiter(1, [2]), aWaiter(2, [3]), aWaiter(3, [1]), aWaiter(9, [1])]),
  );
  expect(blocking.cycles).toEqual([[1, 2, 3]]);
  expect(blocking.roots).toEqual([]);
  expect(followers.get(1)).toBe(3);
});

test('nobody waits for himself', () => {
  const { blocking } = analyseLocks(locksOf([aWaiter(1, [1])]));
  expect(blocking.cycles).toEqual([]);
  expect(blocking.roots).toEqual([]);
});

test('waiters beyond those listed are told by the total', () => {
  const { blocking } = analyseLocks({ ...locksOf([aWaiter(2, [1])]), waitersTotal: 1_500 });
  expect(blocking).toMatchObject({ waitersTotal: 1_500, truncated: true });
});

/** The plainest way to say it: walk from every waiter, keep what does not wait itself. */
function bruteForce(waiters: readonly WaiterReading[]): Map<number, number> {
  const blockers = new Map(waiters.map(({ pid, waitsFor }) => [pid, waitsFor]));
  const victims = new Map<number, number>();
  for (const { pid } of waiters) {
    const reached = new Set<number>([pid]);
    for (const node of reached) for (const next of blockers.get(node) ?? []) reached.add(next);
    for (const node of reached) {
      if (!blockers.has(node)) victims.set(node, (victims.get(node) ?? 0) + 1);
    }
  }
  return victims;
}

const someWaiters = fc
  .uniqueArray(
    fc.record({
      pid: fc.integer({ min: 1, max: 40 }),
      waitsFor: fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 4 }),
    }),
    { selector: ({ pid }) => pid, maxLength: 40 },
  )
  .map((drawn) =>
    drawn.map(({ pid, waitsFor }) =>
      aWaiter(
        pid,
        waitsFor.filter((one) => one !== pid),
      ),
    ),
  );

test('roots and victims equal plain reachability, whatever the graph', () => {
  fc.assert(
    fc.property(someWaiters, (waiters) => {
      const { roots } = analyseLocks(locksOf(waiters)).blocking;
      const found = roots.map((root): [number, number] => [
        'pid' in root ? root.pid : 0,
        root.victims,
      ]);
      expect(new Map(found)).toEqual(bruteForce(waiters));
    }),
    { numRuns: 1_000 },
  );
});

test('two stand in one ring exactly when each reaches the other', () => {
  fc.assert(
    fc.property(someWaiters, (waiters) => {
      const { cycles } = analyseLocks(locksOf(waiters)).blocking;
      const home = new Map(cycles.flatMap((ring, at) => ring.map((pid) => [pid, at] as const)));
      for (const { pid: a } of waiters) {
        for (const { pid: b } of waiters) {
          const together = a !== b && home.has(a) && home.get(a) === home.get(b);
          expect(together).toBe(a !== b && reaches(waiters, a, b) && reaches(waiters, b, a));
        }
      }
    }),
    { numRuns: 60 },
  );
});

function reaches(waiters: readonly WaiterReading[], from: number, to: number): boolean {
  const blockers = new Map(waiters.map(({ pid, waitsFor }) => [pid, waitsFor]));
  const reached = new Set<number>(blockers.get(from) ?? []);
  for (const node of reached) for (const next of blockers.get(node) ?? []) reached.add(next);
  return reached.has(to);
}

test('a queue of 1,000 with 50 blockers each, all behind one, is counted in full', () => {
  const waiters = Array.from({ length: 1_000 }, (_, index) =>
    aWaiter(
      index + 1,
      Array.from({ length: Math.min(50, index + 1) }, (_blocker, back) =>
        back === 49 || back === index ? 0 : index - back,
      ).map((pid) => (pid === 0 ? 9_999 : pid)),
    ),
  );
  const { roots, waiters: listed } = analyseLocks(locksOf(waiters)).blocking;
  expect(roots).toEqual([{ pid: 9_999, victims: 1_000 }]);
  expect(listed.length).toBe(1_000);
});
