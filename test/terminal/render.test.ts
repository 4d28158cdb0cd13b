import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { readOnlyWords } from '../../src/runbook/commands/words.ts';
import { diagnose } from '../../src/runbook/diagnose/diagnose.ts';
import { Diagnosis } from '../../src/runbook/diagnose/diagnosis.ts';
import { exitCodeOf, exitCodeOfChecks } from '../../src/terminal/output.ts';
import { parseOwnCommand } from '../../src/terminal/arguments.ts';
import { renderEnd, renderRequests } from '../../src/terminal/render/requests.ts';
import { renderPlan } from '../../src/terminal/render/plan.ts';
import { renderChecks, renderDiagnosis, renderJson } from '../../src/terminal/render/diagnosis.ts';
import { buildPlan, buildRequest } from '../runbook/approvals/builders.ts';
import { targetsOfEveryKind } from '../slack/support/targets.ts';
import {
  aPool,
  aReading,
  aSession,
  aSnapshot,
  aSource,
  aTarget,
  aWaiter,
  locksOf,
} from '../runbook/diagnose/builders.ts';
import { plain } from './plain.ts';

const words = readOnlyWords.filter((word) => word !== 'doctor');
const nasty = `\u001B[2J\u202Eevil\u0007 ${'x'.repeat(10_000)} <!channel>`;

function aDiagnosis(): Diagnosis {
  const reading = aReading({
    sources: [aSource({ application: nasty, total: 90 })],
    sessions: [
      aSession({ pid: 11, application: nasty, query: nasty, state: 'idle in transaction' }),
    ],
    locks: locksOf([aWaiter(12, [11], { relation: nasty })]),
  });
  const pools = [aPool({ name: nasty })];
  const snapshot = aSnapshot({ reading, pools });
  return diagnose({ snapshot, target: aTarget(), recent: [] });
}

describe('the text of a diagnosis', () => {
  test.for(words)('%s fits a hundred columns and lets no control character through', (word) => {
    const text = renderDiagnosis(aDiagnosis(), word, plain);
    const longest = Math.max(...text.split('\n').map((line) => line.length));
    expect(longest).toBeLessThanOrEqual(100);
    expect(stripVTControlCharacters(text)).toBe(text);
    expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}|\p{Bidi_Control}/u);
  });

  test.for(words)('%s begins with the state, the target and the headline', (word) => {
    const diagnosis = aDiagnosis();
    const [first = ''] = renderDiagnosis(diagnosis, word, plain).split('\n');
    expect(first).toContain(diagnosis.state.toUpperCase());
    expect(first).toContain(`${diagnosis.target}: ${diagnosis.headline}`);
  });

  test('status names the root blocker and how many it holds up', () => {
    expect(renderDiagnosis(aDiagnosis(), 'status', plain)).toMatch(/pid 11\s+1\n/);
  });

  test('colour is asked for by meaning, and plain text has none', () => {
    const tones: string[] = [];
    const diagnosis = { ...aDiagnosis(), state: 'critical' as const };
    renderDiagnosis(diagnosis, 'status', (tone, text) => {
      tones.push(`${tone} ${text}`);
      return text;
    });
    expect(tones).toContain('red CRITICAL');
  });
});

test('the JSON is the Diagnosis that its schema describes', () => {
  const diagnosis = aDiagnosis();
  expect(Diagnosis.parse(JSON.parse(renderJson(diagnosis)))).toEqual(diagnosis);
});

test('a Diagnosis that breaks its schema is refused rather than printed', () => {
  const broken = { ...aDiagnosis(), state: 'splendid' };
  // @ts-expect-error -- what the compiler would not let happen
  expect(() => renderJson(broken)).toThrow(/state/);
});

test.for([
  ['fine', 0],
  ['warning', 1],
  ['critical', 2],
  ['unknown', 3],
] as const)('%s is exit status %i, as monitoring plugins have it', ([state, code]) => {
  expect(exitCodeOf({ ...aDiagnosis(), state })).toBe(code);
});

test("the doctor's worst news comes first and decides the exit status", () => {
  const checks = [
    { subject: 'PostgreSQL', state: 'ok', summary: 'Seen.' },
    { subject: 'Docker', state: 'missing', summary: 'No socket.', fix: 'Mount it.' },
  ] as const;
  const text = renderChecks('orders', checks, plain);
  expect(text.indexOf('No socket.')).toBeLessThan(text.indexOf('Seen.'));
  expect(text).toContain('Fix: Mount it.');
  expect(exitCodeOfChecks(checks)).toBe(2);
});

describe('the text of a plan', () => {
  const text = renderPlan(buildPlan({ targets: [...targetsOfEveryKind(nasty)] }), plain);

  test('fits a hundred columns, whatever the database holds, and lets no control character through', () => {
    const longest = Math.max(...text.split('\n').map((line) => line.length));
    expect(longest).toBeLessThanOrEqual(100);
    expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}|\p{Bidi_Control}/u);
  });

  test('tells every kind of target and every step, and what is not known', () => {
    for (const words of ['cancel, then end', 'idle_session_timeout', '10 + 5', 'unknown']) {
      expect(text).toContain(words);
    }
    expect(text).toContain('1: End 2 sessions');
    expect(text).not.toMatch(/undefined|NaN|\[object/);
  });
});

test('open requests are listed with their votes and their time', async () => {
  expect(renderRequests([], plain)).toBe(
    'No request is open. dbconn status shows what can be proposed.',
  );
  const request = await buildRequest({ votesNeeded: 2 });
  expect(renderRequests([request], plain)).toMatch(/r1 +proposed +0\/2 +03:15:00 +option A/);
});

test('the end of a run says whether it helped, and one that did not begin says why', async () => {
  const at = '2026-11-23T03:00:00.000Z';
  const closing = { by: null, at, sentence: 'Nothing was done.', reason: null };
  const failed = await buildRequest({ state: 'failed', closing });
  expect(renderEnd(failed, plain)).toBe('Nothing was done.');
  const report = { items: [], summary: 'Two ended.', finished: true };
  const looks = { before: null, after: null, later: null };
  const outcome = { word: 'fixed' as const, sentence: '35 of 97.', ...looks };
  const ended = await buildRequest({ state: 'done', result: { report, outcome, endedAt: at } });
  expect(renderEnd(ended, plain)).toBe('Two ended.\nfixed: 35 of 97.');
});

test.for([
  ['deny abc not now', false, undefined, { kind: 'deny', id: 'abc', reason: 'not now' }],
  ['approve abc', false, undefined, { kind: 'approve', id: 'abc', reason: '' }],
  ['approve abc', true, 'alone', { kind: 'break-glass', id: 'abc', reason: 'alone' }],
  ['status orders', true, 'alone', undefined],
] as const)(
  '"%s" with --break-glass %s is a word of the terminal',
  ([text, breakGlass, reason, expected]) => {
    expect(parseOwnCommand(text.split(' '), { breakGlass, reason })).toEqual(expected);
  },
);
