import { expect, test } from 'vitest';
import {
  countFor,
  judgeReport,
  judgeAimFigures,
} from '../../../../src/runbook/approvals/verify/aim.ts';
import type { Item } from '../../../../src/runbook/remedies/remedy.ts';
import type { OutcomeWord } from '../../../../src/runbook/approvals/verify/outcome.ts';
import { aReading, aSnapshot, refused } from '../../diagnose/builders.ts';

test.for<[string, number | null, number | null, number | null, OutcomeWord]>([
  ['nobody waits any more', 50, 0, 0, 'fixed'],
  ['nobody waited even before', 0, 0, 0, 'fixed'],
  ['fewer wait', 50, 10, 9, 'partly'],
  ['as many wait as before', 50, 50, 50, 'unchanged'],
  ['two more than before are no worse', 50, 50, 52, 'unchanged'],
  ['more wait than before', 50, 60, 70, 'worse'],
  ['they wait again, for somebody else', 50, 0, 48, 'refilled'],
  ['half of them wait again', 50, 0, 25, 'refilled'],
  ['no look before', null, 0, 0, 'unknown'],
  ['no look right after', 50, null, 0, 'fixed'],
  ['no look later', 50, 0, null, 'unknown'],
])('stopping blockers is judged by who waits: %s', ([, before, after, later, word]) => {
  const sightings = { before, after, later, laterAfterMs: 3000 };
  expect(judgeAimFigures('waiters', sightings).word).toBe(word);
});

test('the sentence tells what was counted, and when', () => {
  const sightings = { before: 12, after: 1, later: 0, laterAfterMs: 60_400 };
  expect(judgeAimFigures('slow-statements', sightings).sentence).toBe(
    '12 running for too long before, 1 right after, 0 after 60 s.',
  );
});

test('what frees no slot is judged by what its remedy saw of each target', () => {
  const item = (outcome: Item['outcome']): Item => ({ what: 'x', outcome, detail: '', lines: [] });
  const word = (finished: boolean, ...outcomes: Item['outcome'][]): OutcomeWord =>
    judgeReport({ finished, items: outcomes.map(item) }).word;
  expect(word(true, 'set')).toBe('fixed');
  expect(word(true, 'ended', 'cancelled')).toBe('fixed');
  expect(word(true, 'ended', 'moved on')).toBe('partly');
  expect(word(false, 'set')).toBe('partly');
});

test('a look counts what the change is to do away with, and nothing where it saw nothing', () => {
  const reading = aReading({ counts: { slowQueries: 7 } });
  expect(countFor('slow-statements', aSnapshot({ reading }))).toBe(7);
  expect(countFor('waiters', aSnapshot({ reading }))).toBe(reading.locks.waitersTotal);
  expect(countFor('slots', aSnapshot({ reading }))).toBeNull();
  expect(countFor('waiters', aSnapshot({ reading: null, reach: refused('full') }))).toBeNull();
});
