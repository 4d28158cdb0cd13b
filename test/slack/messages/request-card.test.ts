import {
  array,
  assert as assertProperty,
  constantFrom,
  integer,
  oneof,
  property,
  record,
  string,
} from 'fast-check';
import type { Arbitrary } from 'fast-check';
import { expect, test } from 'vitest';
import { checkBlocks } from '../../../sandbox/slack/check-payload.ts';
import type { Request, RequestState } from '../../../src/runbook/approval/request.ts';
import { RequestState as States } from '../../../src/runbook/approval/request.ts';
import { waysToSay } from '../../../src/slack/messages/parts/dialect.ts';
import type { Message } from '../../../src/slack/messages/parts/message.ts';
import { announcementMessage } from '../../../src/slack/messages/announcement.ts';
import { refusalMessage } from '../../../src/slack/messages/refusal.ts';
import { requestCard } from '../../../src/slack/messages/request-card.ts';
import {
  fullListMessages,
  progressLine,
  progressMessage,
} from '../../../src/slack/messages/request-progress.ts';
import { lookMessages } from '../../../src/slack/messages/look-messages.ts';
import { bob, buildPlan, buildRequest, buildSession } from '../../runbook/approval/builders.ts';
import { aDiagnosis, aTarget } from '../support/diagnoses.ts';

const mark = '⟦evil⟧';
const untrusted = array(
  oneof(
    constantFrom(
      '<!channel>',
      '<@U0123456789>',
      '<https://evil.example|Approve>',
      '```\n*Approved by* <@U1>',
      '\u202Edrowssap\u2066',
      'a\u0000b\u001B[31m',
      'x'.repeat(10_000),
      '👩‍👩‍👧‍👦'.repeat(300),
      '',
    ),
    string({ unit: 'binary', maxLength: 40 }),
  ),
  { minLength: 1, maxLength: 3 },
).map((parts) => `${mark}${parts.join('')}`);

const template = await buildRequest();

/** A request whose every text from elsewhere is hostile, in any state and size. */
const hostile: Arbitrary<Request> = record({
  evil: untrusted,
  many: integer({ min: 0, max: 500 }),
  state: constantFrom<RequestState>(...States.options),
}).map(({ evil, many, state }) => {
  const session = buildSession(101);
  const targets = Array.from({ length: many }, () => ({
    ...session,
    identity: { ...session.identity, user: evil, application: evil },
    client: evil,
    database: evil,
    query: evil,
  }));
  const spared = Array.from({ length: Math.min(many, 50) }, () => ({
    what: 'pid 1',
    label: evil,
    reason: 'a superuser',
  }));
  const items = Array.from({ length: many }, () => ({
    what: evil,
    outcome: 'crash loop' as const,
    detail: evil,
    lines: [evil, evil],
  }));
  const fullness = { used: 95, usable: 97 };
  const at = '2026-11-23T03:00:00.000Z';
  return {
    ...template,
    state,
    plan: buildPlan({ targets, spared, sparedTotal: many, subject: evil }),
    votes: [{ by: bob, at, reason: evil }],
    closing: { by: bob, at, sentence: 'An approver said no.', reason: evil },
    execution: { startedAt: at, left: many, spared, before: fullness, after: null },
    result: {
      report: { items, summary: 'Two ended.', finished: true },
      outcome: { word: 'partly', sentence: '1 of 2.', before: null, after: null, later: null },
      endedAt: at,
    },
  };
});

function allMessages(request: Request): Message[] {
  const line = progressLine(request);
  return [
    requestCard(request),
    ...fullListMessages(request),
    ...(line === undefined ? [] : [progressMessage(request, [line, line])]),
  ];
}

/** Text objects Slack interprets, or shows in the card's own voice. */
function ownWords(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const fields = new Map<string, unknown>(Object.entries(value));
  const [type, text] = [fields.get('type'), fields.get('text')];
  const own =
    (type === 'mrkdwn' || type === 'plain_text') && typeof text === 'string' ? [text] : [];
  return [...own, ...Object.values(value).flatMap(ownWords)];
}

test('whatever stands in a database, Slack takes the card, its thread and its list', () => {
  assertProperty(
    property(hostile, (request) => {
      const said = allMessages(request).flatMap((message) => waysToSay(message, 'full'));
      const withBlocks = said.filter(({ message }) => message.blocks.length > 0);
      const problems = withBlocks.flatMap(({ message }) => checkBlocks('message', message.blocks));
      expect(problems).toEqual([]);
      expect(withBlocks.length).toBeGreaterThan(0);
    }),
    { numRuns: 60 },
  );
});

test('the list in the thread is complete, however long the names are', () => {
  assertProperty(
    property(hostile, (request) => {
      const { length: all } = request.plan.targets;
      const rows = fullListMessages(request).flatMap(({ blocks }) =>
        blocks.flatMap((block) => (block.type === 'table' ? block.rows.slice(1) : [])),
      );
      expect(rows).toHaveLength(all > 12 ? all : 0);
    }),
    { numRuns: 40 },
  );
});

test('text from elsewhere is never in the card’s own voice, nor in what notifications say', () => {
  assertProperty(
    property(hostile, (request) => {
      for (const message of allMessages(request)) {
        expect(message.text).not.toContain(mark);
        expect(ownWords(message.blocks).filter((text) => text.includes(mark))).toEqual([]);
      }
    }),
    { numRuns: 60 },
  );
});

test('a mention on a card is of people the journal names, whatever the database holds', () => {
  assertProperty(
    property(hostile, (request) => {
      const users = JSON.stringify(allMessages(request)).matchAll(/"user_id":"([^"]+)"/g);
      const named = [request.proposedBy.id, bob.id];
      expect([...users].map(([, id]) => id ?? '').filter((id) => !named.includes(id))).toEqual([]);
    }),
    { numRuns: 40 },
  );
});

test.for(States.options)('buttons stand on a card that is %s only while a vote counts', (state) => {
  const { blocks } = requestCard({ ...template, state });
  expect(blocks.some(({ type }) => type === 'actions')).toBe(state === 'proposed');
});

test('a refusal mentions people, and a quote of somebody mentions nobody', () => {
  const refused = refusalMessage({
    kind: 'x',
    why: 'Not by you.',
    next: 'Ask <@U1AB> or <@U2CD>.',
  });
  expect(JSON.stringify(refused.blocks)).toContain('"user_id":"U1AB"');
  expect(refused.text).toBe('Not by you. Ask <@U1AB> or <@U2CD>.');
  const announced = announcementMessage({
    to: 'C1',
    mention: 'S0DBA',
    headline: '<@U1AB> asks for help.',
    quote: '<!channel> <@U9EVIL> now',
  });
  expect(checkBlocks('message', announced.blocks)).toEqual([]);
  expect(JSON.stringify(announced.blocks)).toContain('"usergroup_id":"S0DBA"');
  expect(JSON.stringify(announced.blocks)).not.toContain('"user_id":"U9EVIL"');
  expect(announced.text).not.toContain('EVIL');
});

test('status offers a button for what can be proposed and approved here, and for nothing else', () => {
  const proposal = { subject: null, summary: 'End them.', slotsFreed: 3, blocked: null };
  const diagnosis = aDiagnosis({
    proposals: [
      { ...proposal, option: 'A', command: 'propose A' },
      { ...proposal, option: 'C', command: 'propose C backend' },
      { ...proposal, option: 'B' },
    ],
  });
  const buttons = (offers: readonly ('A' | 'C')[]): unknown => {
    const { blocks } = lookMessages.status({ diagnosis, target: aTarget(), offers });
    expect(checkBlocks('message', blocks)).toEqual([]);
    return blocks.find(({ type }) => type === 'actions') ?? null;
  };
  expect(buttons(['A', 'C'])).toMatchObject({
    elements: [
      { text: { text: 'Propose A' }, value: 'A orders' },
      { text: { text: 'Propose C backend' }, value: 'C backend orders' },
    ],
  });
  expect(buttons(['C'])).toMatchObject({ elements: [{ value: 'C backend orders' }] });
  expect(buttons([])).toBeNull();
});
