import { expect, test } from 'vitest';
import { judgeOutcome, readFullness } from '../../../../src/runbook/approvals/verify/outcome.ts';
import type { Fullness, OutcomeWord } from '../../../../src/runbook/approvals/verify/outcome.ts';
import { aReading, aSnapshot, refused } from '../../diagnose/builders.ts';

function judge(before: Fullness, after: Fullness, later: Fullness): OutcomeWord {
  const evidence = { before, after, later, laterAfterMs: 60_000, warningUtilisation: 0.8 };
  return judgeOutcome(evidence).word;
}

const at = (used: number): Fullness => ({ used, usable: 97 });

test.for<[string, Fullness, Fullness, Fullness, OutcomeWord]>([
  ['below the warning line and staying there', at(97), at(60), at(62), 'fixed'],
  ['better, but still above the line', at(97), at(88), at(89), 'partly'],
  ['nothing changed', at(90), at(90), at(90), 'unchanged'],
  ['two fewer come and go by themselves', at(97), at(95), at(95), 'unchanged'],
  ['half of what was freed is taken again', at(97), at(57), at(77), 'refilled'],
  ['all of it is taken again', at(97), at(57), at(97), 'refilled'],
  ['more than before', at(60), at(60), at(75), 'worse'],
  ['one more than before is no worse', at(60), at(60), at(61), 'unchanged'],
  ['a server that refused everybody answers again', 'full', at(60), at(60), 'fixed'],
  ['it still refuses', at(97), 'full', 'full', 'unchanged'],
  ['it began to refuse', at(40), at(40), 'full', 'worse'],
  ['no figure before', null, at(60), at(60), 'unknown'],
  ['no figure right after', at(97), null, at(60), 'unknown'],
  ['no figure later', at(97), at(60), null, 'unknown'],
  ['refusals only', 'full', 'full', 'full', 'unknown'],
])('%s', ([, before, after, later, word]) => {
  expect(judge(before, after, later)).toBe(word);
});

test('the sentence tells all three figures and the time between', () => {
  const evidence = { before: at(97), after: at(60), later: at(62), warningUtilisation: 0.8 };
  const { sentence } = judgeOutcome({ ...evidence, laterAfterMs: 61_400 });
  expect(sentence).toBe('97 of 97 used before, 60 right after, 62 after 61 s.');
});

const of = (used: number, usable: number): Fullness => ({ used, usable });

test.for<[string, Fullness, Fullness, Fullness, OutcomeWord]>([
  [
    'those who were refused come in, and there is room',
    of(97, 97),
    of(20, 147),
    of(110, 147),
    'fixed',
  ],
  ['the new slots are taken as well', of(97, 97), of(20, 147), of(140, 147), 'partly'],
  [
    'no more than before although there was room all along',
    of(30, 97),
    of(10, 147),
    of(30, 147),
    'refilled',
  ],
  [
    'the value is taken back where nobody needed it',
    of(10, 147),
    of(2, 97),
    of(10, 97),
    'refilled',
  ],
])('a server with more slots: %s', ([, before, after, later, word]) => {
  expect(judge(before, after, later)).toBe(word);
});

test('more slots are told of in the sentence', () => {
  const evidence = { before: of(97, 97), after: of(20, 147), later: of(110, 147) };
  const { sentence } = judgeOutcome({ ...evidence, laterAfterMs: 60_000, warningUtilisation: 0.8 });
  expect(sentence).toBe('97 of 97 used before, 20 right after, 110 of 147 after 60 s.');
});

test('a pool that takes what it was given makes nothing worse, and one that takes more does', () => {
  const evidence = { before: at(40), after: at(40), laterAfterMs: 60_000, warningUtilisation: 0.8 };
  const judged = (later: number): OutcomeWord =>
    judgeOutcome({ ...evidence, later: at(later), allowed: 10 }).word;
  expect(judged(50)).toBe('unchanged');
  expect(judged(60)).toBe('worse');
});

test('usable slots leave out every reserve', () => {
  const capacity = { maxConnections: 100, superuserReserved: 3, reserved: 2, providerReserved: 5 };
  const reading = aReading({ capacity, counts: { clients: 42 } });
  expect(readFullness(aSnapshot({ reading }))).toEqual({ used: 42, usable: 90 });
});

test('a refusal for want of slots is a figure, one for a role’s own limit is none', () => {
  const look = (scope: 'server' | 'role'): Fullness =>
    readFullness(aSnapshot({ reading: null, reach: refused('full', { scope }) }));
  expect(look('server')).toBe('full');
  expect(look('role')).toBeNull();
});
