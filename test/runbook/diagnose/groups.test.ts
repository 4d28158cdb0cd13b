import { expect, test } from 'vitest';
import type { Waiter } from '../../../src/runbook/diagnose/diagnosis.ts';
import { groupWaiters } from '../../../src/runbook/diagnose/groups.ts';

function aWaiter(pid: number, waitsFor: number[], changes: Partial<Waiter> = {}): Waiter {
  const lock = 'relation AccessShareLock';
  return { pid, waitsFor, lock, relation: 'public.accounts', waitSeconds: pid, ...changes };
}

const groups = (waiters: readonly Waiter[]): readonly string[] =>
  groupWaiters(waiters).map(
    ({ pids, behind, relation, lock, longestSeconds }) =>
      `${pids.length} behind ${behind.join(',')} on ${relation ?? lock} for ${longestSeconds ?? 0}`,
  );

test('readers behind a queued statement wait for it, and it for the root', () => {
  const readers = [3, 4, 5].map((pid) => aWaiter(pid, [2]));
  const ddl = aWaiter(2, [1], { lock: 'relation AccessExclusiveLock' });
  expect(groups([ddl, ...readers])).toEqual([
    '3 behind 2 on public.accounts for 5',
    '1 behind 1 on public.accounts for 2',
  ]);
});

test('those who queue ahead for the same lock are no reason to wait', () => {
  const lock = 'relation AccessExclusiveLock';
  const queue = [
    aWaiter(2, [1], { lock }),
    aWaiter(3, [1, 2], { lock }),
    aWaiter(4, [1, 2, 3], { lock }),
  ];
  expect(groups(queue)).toEqual(['3 behind 1 on public.accounts for 4']);
});

test('the queue for a row waits for the transaction that holds it, its first with the others', () => {
  const first = aWaiter(2, [1], { lock: 'transactionid ShareLock', relation: null });
  const lock = 'tuple ExclusiveLock';
  const others = [aWaiter(3, [2], { lock }), aWaiter(4, [2, 3], { lock })];
  expect(groups([first, ...others])).toEqual(['3 behind 1 on public.accounts for 4']);
});

test('a ring stays as it is, and so does a wait without a table', () => {
  const lock = 'advisory ExclusiveLock';
  expect(
    groups([aWaiter(1, [2], { lock, relation: null }), aWaiter(2, [1], { lock, relation: null })]),
  ).toEqual([
    '1 behind 2 on advisory ExclusiveLock for 1',
    '1 behind 1 on advisory ExclusiveLock for 2',
  ]);
});
