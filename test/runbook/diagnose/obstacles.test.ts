import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LockReading, WaiterReading } from '../../../src/runbook/snapshot/snapshot.ts';
import { behind, findObstacles } from '../../../src/runbook/diagnose/obstacles.ts';

const exclusive = 'relation AccessExclusiveLock';
const shared = 'relation AccessShareLock';

function waiter(pid: number, waitsFor: readonly number[], lock = shared): WaiterReading {
  const total = waitsFor.length;
  return {
    pid,
    waitsFor,
    waitsForTotal: total,
    prepared: [],
    lock,
    relation: null,
    waitSeconds: pid,
  };
}

function reading(waiters: readonly WaiterReading[]): LockReading {
  return { waiters, waitersTotal: waiters.length, askedTotal: waiters.length };
}

const anybody = (): boolean => true;

test('of two queued statements each counts only whom it frees, and the holder has nobody left', () => {
  const found = findObstacles(
    reading([
      waiter(10, [1], exclusive),
      ...[11, 12, 13].map((pid) => waiter(pid, [10])),
      waiter(20, [1, 10], exclusive),
      ...[21, 22].map((pid) => waiter(pid, [10, 20])),
    ]),
    anybody,
  );
  expect(found).toEqual([
    { pid: 10, queued: true, victims: 3, waiters: [11, 12, 13], longestWaitSeconds: 13 },
    { pid: 20, queued: true, victims: 2, waiters: [21, 22], longestWaitSeconds: 22 },
    { pid: 1, queued: false, victims: 0, waiters: [], longestWaitSeconds: 0 },
  ]);
});

test('a queued statement whose followers wait for its holder too frees nobody, and so is left in its queue', () => {
  const found = findObstacles(
    reading([waiter(10, [1], exclusive), ...[11, 12, 13].map((pid) => waiter(pid, [1, 10]))]),
    anybody,
  );
  expect(found).toEqual([
    { pid: 1, queued: false, victims: 4, waiters: [10, 11, 12, 13], longestWaitSeconds: 13 },
  ]);
});

test('who may not be stopped stays in the way, and its holder has its victims', () => {
  const waits = reading([waiter(10, [1], exclusive), ...[11, 12].map((pid) => waiter(pid, [10]))]);
  expect(findObstacles(waits, (pid) => pid !== 10)).toEqual([
    { pid: 1, queued: false, victims: 3, waiters: [10, 11, 12], longestWaitSeconds: 12 },
  ]);
});

test('once every obstacle is gone nobody waits for somebody who does not wait', () => {
  const pids = fc.integer({ min: 1, max: 30 });
  const waits = fc.uniqueArray(
    fc.record({
      pid: pids,
      waitsFor: fc.uniqueArray(pids, { minLength: 1, maxLength: 4 }),
      lock: fc.constantFrom(exclusive, shared),
    }),
    { selector: ({ pid }) => pid, maxLength: 25 },
  );
  fc.assert(
    fc.property(waits, (rows) => {
      const all = rows
        .map(({ pid, waitsFor, lock }) =>
          waiter(
            pid,
            waitsFor.filter((other) => other !== pid),
            lock,
          ),
        )
        .filter(({ waitsFor }) => waitsFor.length > 0);
      const stopped = new Set(
        findObstacles(reading(all), anybody)
          .filter(({ queued, victims }) => queued || victims > 0)
          .map(({ pid }) => pid),
      );
      const waiting = new Set(all.map(({ pid }) => pid));
      for (const { pid, waitsFor } of all) {
        if (stopped.has(pid)) continue;
        const holders = waitsFor.filter((other) => !waiting.has(other) && !stopped.has(other));
        expect(holders).toEqual([]);
      }
    }),
  );
});

test('a thousand waiters with fifty blockers each are weighed without a pause anybody would notice', () => {
  const all = Array.from({ length: 1000 }, (_, index) => {
    const ahead = Array.from({ length: Math.min(50, index + 1) }, (_, back) => index - back + 1);
    return waiter(index + 2, ahead, index % 20 === 0 ? exclusive : shared);
  });
  const began = performance.now();
  findObstacles(reading(all), anybody);
  // A fifth of a second on an idle machine.
  expect(performance.now() - began).toBeLessThan(10_000);
});

test('those behind a pid are counted once, however many ways lead there, and rings end', () => {
  const ring = [waiter(2, [1, 3]), waiter(3, [2]), waiter(4, [2, 3])];
  const pids = (from: number): Set<number> => new Set(behind(ring, [from]).map(({ pid }) => pid));
  expect(pids(1)).toEqual(new Set([2, 3, 4]));
  expect(pids(2)).toEqual(new Set([3, 4]));
  expect(behind(ring, [1])).toHaveLength(3);
});
