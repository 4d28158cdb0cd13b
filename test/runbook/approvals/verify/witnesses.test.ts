import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../../../src/runbook/approvals/verify/outcome.ts';
import {
  applyWitnesses,
  readObservation,
  readWitnesses,
} from '../../../../src/runbook/approvals/verify/witnesses.ts';
import type { Observation } from '../../../../src/runbook/approvals/verify/witnesses.ts';
import { aPool, aReading, aSnapshot } from '../../diagnose/builders.ts';

/** What others than the slots see of a change. */
const at = (used: number): Outcome['later'] => ({ used, usable: 97 });
const fixed: Outcome = {
  word: 'fixed',
  sentence: '95 of 97 used before, 35 right after, 35 after 60 s.',
  before: at(95),
  after: at(35),
  later: at(35),
};

const withPool = (checkedOut: number): ReturnType<typeof aSnapshot> =>
  aSnapshot({
    pools: [aPool({ service: 'reports', limit: 31, checkedOut, utilisation: checkedOut / 31 })],
  });
const pool = (checkedOut: number): Observation => readObservation(withPool(checkedOut));

function hear(
  outcome: Outcome,
  checks: readonly Observation[],
  more: { checkedOutBefore?: number; service?: string; settledAt?: string } = {},
): Outcome {
  return applyWitnesses(outcome, {
    before: readWitnesses(withPool(more.checkedOutBefore ?? 31)),
    checks,
    settledAt: more.settledAt ?? '2026-11-23T03:00:40.000Z',
    service: more.service ?? null,
    hasRoom: true,
  });
}

test('free slots do not make it fixed while a pool counts all of its connections as in use', () => {
  const outcome = hear(fixed, [pool(31), pool(31)]);
  expect(outcome.word).toBe('partly');
  expect(outcome.sentence).toBe(
    '95 of 97 used before, 35 right after, 35 after 60 s. Slots freed, but reports still has 31 of 31 connections checked out.',
  );
});

test('a pool that is used up at one look only is at work', () => {
  expect(hear(fixed, [pool(12), pool(31)], { checkedOutBefore: 20 })).toEqual(fixed);
});

test('an outcome without a look, or with pools that have connections left, stays what it is', () => {
  expect(hear(fixed, [])).toEqual(fixed);
  expect(hear(fixed, [pool(12)], { checkedOutBefore: 12 })).toEqual(fixed);
});

describe('a restart', () => {
  const unchanged: Outcome = {
    word: 'unchanged',
    sentence: '20 of 97 used before, 5 right after, 20 after 60 s.',
    before: at(20),
    after: at(5),
    later: at(20),
  };

  test('has done what it is for when the pool of its service gives connections again', () => {
    const outcome = hear(unchanged, [pool(4)], { service: 'reports' });
    expect(outcome.word).toBe('fixed');
    expect(outcome.sentence).toContain('reports has 4 of 31 connections checked out, 31 before.');
  });

  test('has not when the pool of another service does', () => {
    expect(hear(unchanged, [pool(4)], { service: 'orders' }).word).toBe('unchanged');
  });
});

describe('requests that are refused', () => {
  const refusedAt = (lastAt: string): Observation => {
    const one = { class: 'pool-timeout', count: 3, lastAt, example: 'QueuePool limit' } as const;
    const log = { service: 'orders', container: 'orders-1', tookMs: 1, linesRead: 9 };
    return readObservation({
      ...aSnapshot(),
      logs: { ok: true, tookMs: 1, value: [{ ...log, classes: [one] }] },
    });
  };

  test('speak against it when they are of the time after the change', () => {
    const outcome = hear(fixed, [refusedAt('2026-11-23T03:00:55.000Z')]);
    expect(outcome.word).toBe('partly');
    expect(outcome.sentence).toContain('requests of orders are still refused a connection.');
  });

  test('say nothing when they waited since before it', () => {
    expect(hear(fixed, [refusedAt('2026-11-23T03:00:10.000Z')])).toEqual(fixed);
  });
});

test('more sessions that wait for locks than before speak against it', () => {
  const waiting = readObservation(
    aSnapshot({ reading: aReading({ locks: { waiters: [], waitersTotal: 9, askedTotal: 0 } }) }),
  );
  const outcome = applyWitnesses(fixed, {
    before: { pools: [], waits: 2 },
    checks: [waiting],
    settledAt: '2026-11-23T03:00:40.000Z',
    service: null,
    hasRoom: true,
  });
  expect(outcome).toMatchObject({ word: 'partly' });
  expect(outcome.sentence).toContain('9 sessions wait for locks, 2 before.');
});
