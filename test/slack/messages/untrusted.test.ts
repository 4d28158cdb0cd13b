import {
  array,
  assert as assertProperty,
  constantFrom,
  double,
  integer,
  oneof,
  property,
  record,
  string,
} from 'fast-check';
import type { Arbitrary } from 'fast-check';
import { expect, test } from 'vitest';
import { checkBlocks } from '../../../sandbox/slack/check-payload.ts';
import { Diagnosis } from '../../../src/runbook/diagnose/diagnosis.ts';
import { doctorMessage, helpMessage } from '../../../src/slack/messages/help.ts';
import { diagnosisMessages } from '../../../src/slack/handlers/read-commands.ts';
import { fallbacksOf } from '../../../src/slack/messages/kit/fallbacks.ts';
import type { Message } from '../../../src/slack/messages/kit/message.ts';
import { aDiagnosis, aHolder, aSession, aSource, aTarget } from '../support/diagnoses.ts';

/** What people could name an application, a role, a host or a table to do harm in a chat. */
const attack = constantFrom(
  '<!channel>',
  '<!here|here>',
  '<https://evil.example|Approve>',
  '<@U0123456789>',
  '&lt;!channel&gt;',
  '```\n*bold* _it_ ~st~ `code`',
  'https://evil.example/x',
  ':fire:',
  '\u202Edrowssap\u2066',
  'a\u0000b\u0007c\u001B[31m',
  '\u200B\u200D\uFEFF',
  '👩‍👩‍👧‍👦'.repeat(300),
  'x'.repeat(10_000),
  '{"type":"mrkdwn"}',
  ' ',
  '',
);
const untrusted = array(oneof(attack, string({ unit: 'binary', maxLength: 40 })), {
  minLength: 1,
  maxLength: 3,
}).map((parts) => parts.join(''));

/** A Diagnosis whose every text from elsewhere is hostile, in any number. */
const hostile: Arbitrary<Diagnosis> = record({
  evil: untrusted,
  other: untrusted,
  many: integer({ min: 0, max: 120 }),
  number: double({ min: 0, max: 1e12, noNaN: true }),
}).map(({ evil, other, many, number }) => {
  const times = <T>(item: T): T[] => Array.from({ length: many }, () => item);
  return aDiagnosis({
    holders: times(aHolder({ name: evil, service: null })),
    sources: times(
      aSource({ user: evil, application: other, client: evil, database: other, service: null }),
    ),
    sourcesTotal: many,
    sessions: times(aSession({ user: evil, application: evil, client: other, query: evil })),
    blocking: {
      waiters: times({
        pid: 1,
        waitsFor: [0, 4242],
        lock: evil,
        relation: other,
        waitSeconds: 1,
      }),
      waitersTotal: many,
      truncated: false,
      roots: [...times({ prepared: evil, victims: 3 }), { pid: 4242, victims: 1 }],
      cycles: times([1, 2]),
    },
    pools: times({
      service: 'backend',
      name: evil,
      checkedOut: number,
      size: null,
      maxOverflow: null,
      limit: null,
      utilisation: null,
    }),
    logs: times({
      service: 'backend',
      container: evil,
      linesRead: 200,
      classes: [{ class: 'other', count: 3, lastAt: evil, example: other }],
    }),
    leakSuspects: times({
      application: evil,
      fingerprint: null,
      query: other,
      sessions: 3,
      oldestSeconds: number,
      hasWritten: 0,
    }),
    findings: times({
      id: 'x',
      severity: 'warning' as const,
      summary: 'A figure.',
      evidence: [evil],
    }),
    causes: times({
      cause: 'slow-queries' as const,
      confidence: 0.5,
      summary: 'A figure.',
      because: [evil],
      against: [other],
    }),
  });
});

const everyWord = Object.values(diagnosisMessages);
const target = aTarget();

test('whatever a name or a statement holds, Slack takes the blocks in every dialect', () => {
  assertProperty(
    property(hostile, constantFrom(...everyWord), (diagnosis, build) => {
      const said = fallbacksOf(build({ diagnosis, target }), 'full').map(({ message }) => message);
      const withBlocks = said.filter(({ blocks }) => blocks.length > 0);
      expect(withBlocks.length).toBeGreaterThanOrEqual(1);
      for (const { blocks } of withBlocks) expect(checkBlocks('message', blocks)).toEqual([]);
      for (const { text } of said) expect(text.length).toBeLessThanOrEqual(4000);
    }),
    { numRuns: 60 },
  );
});

test('text from elsewhere stands only where Slack interprets nothing', () => {
  const marks = '⟦evil⟧<!channel><https://evil.example|x>';
  assertProperty(
    property(hostile, constantFrom(...everyWord), (diagnosis, build) => {
      const marked = markAll(diagnosis, marks);
      const message = build({ diagnosis: marked, target });
      expect(message.text).not.toContain('⟦evil⟧');
      for (const text of interpretedTexts(message)) expect(text).not.toContain('⟦evil⟧');
    }),
    { numRuns: 40 },
  );
});

test('no control, direction or invisible character reaches Slack', () => {
  assertProperty(
    property(hostile, constantFrom(...everyWord), (diagnosis, build) => {
      const message = build({ diagnosis, target });
      // A line break is ours where lists and fixed-width rows need one.
      for (const text of textsOf(message)) {
        expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      }
    }),
    { numRuns: 40 },
  );
});

test('the doctor and the help say hostile names without harm', () => {
  assertProperty(
    property(untrusted, integer({ min: 0, max: 80 }), (evil, many) => {
      const check = { subject: 'Docker', state: 'missing', summary: evil, fix: evil } as const;
      const doctor = doctorMessage(
        'orders',
        Array.from({ length: many }, () => check),
      );
      const help = helpMessage(
        Array.from({ length: many }, () => evil),
        {},
      );
      for (const { blocks } of [doctor, help]) expect(checkBlocks('message', blocks)).toEqual([]);
      expect(doctor.text).toBe(
        `Doctor for orders: ${many === 0 ? 'nothing was checked' : `${many} to fix`}`,
      );
    }),
    { numRuns: 60 },
  );
});

test('the line of text is escaped, should a configured name ever hold a mention', () => {
  const diagnosis = aDiagnosis({ verdict: 'The service <!channel> & co leaks.' });
  expect(diagnosisMessages.status({ diagnosis, target }).text).toContain(
    '&lt;!channel&gt; &amp; co',
  );
});

/** Puts a mark before every text that comes from elsewhere. */
function markAll(diagnosis: Diagnosis, mark: string): Diagnosis {
  const untouched = new Set([
    'headline',
    'verdict',
    'target',
    'summary',
    'id',
    'severity',
    'cause',
  ]);
  const enums = new Set(['basis', 'kind', 'state', 'via', 'class', 'option', 'takenAt', 'service']);
  const marked = JSON.stringify(diagnosis, (key, value: unknown) =>
    typeof value === 'string' && !untouched.has(key) && !enums.has(key) ? `${mark}${value}` : value,
  );
  return Diagnosis.parse(JSON.parse(marked));
}

/** Every string anywhere in a message. */
function textsOf(node: unknown): string[] {
  if (typeof node === 'string') return [node];
  if (typeof node !== 'object' || node === null) return [];
  return Object.values(node).flatMap(textsOf);
}

/** Every string of a message that Slack parses: mrkdwn text objects, link targets and the fallback. */
function interpretedTexts(message: Message): string[] {
  const found: string[] = [message.text];
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    if ('type' in node && node.type === 'mrkdwn') found.push(JSON.stringify(node));
    if ('type' in node && node.type === 'link') found.push(JSON.stringify(node));
    if ('emoji' in node && node.emoji !== false) found.push(JSON.stringify(node));
    Object.values(node).forEach(walk);
  };
  walk(message.blocks);
  return found;
}
