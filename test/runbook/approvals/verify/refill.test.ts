import { expect, test } from 'vitest';
import {
  findRefill,
  judgeOutcome,
  readHoldings,
} from '../../../../src/runbook/approvals/verify/outcome.ts';
import type {
  Holding,
  HoldingsCheck,
  Outcome,
} from '../../../../src/runbook/approvals/verify/outcome.ts';
import { aReading, aSnapshot, aSource } from '../../diagnose/builders.ts';

const hold = (counts: Readonly<Record<string, number>>): Holding[] =>
  Object.entries(counts).map(([application, sessions]) => ({ application, sessions }));

const seen = (seconds: number, counts: Readonly<Record<string, number>>): HoldingsCheck => ({
  afterMs: seconds * 1000,
  holdings: hold(counts),
});

const before = hold({ backend: 60, orders: 20 });
const after = hold({ backend: 12, orders: 20 });

test('whoever took most slots since the change is named, with what it held at each look', () => {
  const checks = [seen(30, { backend: 30, orders: 21 }), seen(60, { backend: 52, orders: 22 })];
  expect(findRefill({ before, after, checks })).toMatchObject({
    application: 'backend',
    before: 60,
    after: 12,
    later: 52,
  });
});

test('the pace is that of taking, not of looking on', () => {
  const full = { backend: 42, orders: 20 };
  const early = [10, 20, 30, 40, 50, 60].map((seconds) => seen(seconds, full));
  expect(findRefill({ before, after, checks: early })?.perMinute).toBe(180);
  const steady = [1, 2, 3, 4, 5, 6].map((n) => seen(n * 10, { backend: 12 + n * 5, orders: 20 }));
  expect(findRefill({ before, after, checks: steady })?.perMinute).toBe(30);
});

test('a newcomer that held nothing before is named too', () => {
  const checks = [seen(60, { backend: 12, orders: 20, reports: 9 })];
  const found = findRefill({ before, after, checks });
  expect(found).toMatchObject({ application: 'reports', before: 0, after: 0, later: 9 });
});

test.for<[string, readonly Holding[], readonly HoldingsCheck[]]>([
  [
    'nobody took more than comes and goes by itself',
    after,
    [seen(60, { backend: 14, orders: 18 })],
  ],
  ['the look right after the change could not be read', [], [seen(60, { backend: 52 })]],
  ['the last look could not be read', after, [seen(30, { backend: 52 }), seen(60, {})]],
  ['nobody has looked yet', after, []],
])('nobody is named when %s', ([, right, checks]) => {
  expect(findRefill({ before, after: right, checks })).toBeUndefined();
});

test('sources are summed by application, and a nameless one goes by its role', () => {
  const reading = aReading({
    sources: [
      aSource({ application: 'backend', client: '10.0.0.1', total: 7 }),
      aSource({ application: 'orders', total: 12 }),
      aSource({ application: 'backend', client: '10.0.0.2', total: 8 }),
      aSource({ application: '', user: 'etl', total: 2 }),
    ],
  });
  expect(readHoldings(aSnapshot({ reading }))).toEqual(hold({ backend: 15, orders: 12, etl: 2 }));
  expect(readHoldings(aSnapshot({ reading: null }))).toEqual([]);
});

test('a name that would paint over its surroundings is cleaned before it is kept', () => {
  const reading = aReading({ sources: [aSource({ application: '\u202Eevil\n', total: 3 })] });
  expect(readHoldings(aSnapshot({ reading }))).toEqual([{ application: 'evil', sessions: 3 }]);
});

const at = (used: number): { used: number; usable: number } => ({ used, usable: 97 });
const refill = { application: '`*x*`', before: 60, after: 12, later: 52, perMinute: 40 };

function judge(later: number): Outcome {
  const evidence = { before: at(97), after: at(49), later: at(later), laterAfterMs: 60_000 };
  return judgeOutcome({ ...evidence, warningUtilisation: 0.8, refill });
}

test('a refill is told in figures, and its name stands apart from the sentence', () => {
  const { word, sentence, refill: told } = judge(89);
  expect(word).toBe('refilled');
  expect(sentence).toContain(
    'One application had 60 before, 12 right after and 52 now (40 per minute).',
  );
  expect(sentence).not.toContain('x');
  expect(told).toEqual(refill);
});

test('where it helped, whoever came back within bounds is no refill', () => {
  expect(judge(52)).toMatchObject({ word: 'fixed' });
  expect(judge(52)).not.toHaveProperty('refill');
});
