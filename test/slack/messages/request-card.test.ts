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
import { blockIds } from '../../../src/slack/messages/kit/action-ids.ts';
import { checkBlocks } from '../../../sandbox/slack/check-payload.ts';
import type { ApprovalRequest, RequestState } from '../../../src/runbook/approvals/request.ts';
import { RequestState as States } from '../../../src/runbook/approvals/request.ts';
import { fallbacksOf } from '../../../src/slack/messages/kit/fallbacks.ts';
import type { Message } from '../../../src/slack/messages/kit/message.ts';
import { announcementMessage, refusalMessage } from '../../../src/slack/messages/notice.ts';
import {
  endMessage,
  fullListMessages,
  progressMessage,
  requestCard,
  requestsMessage,
} from '../../../src/slack/messages/request-card.ts';
import type { Action } from '../../../src/runbook/remedies/remedy-request.ts';
import { diagnosisMessages } from '../../../src/slack/handlers/read-commands.ts';
import type { RunProgress } from '../../../src/slack/messages/plan.ts';
import { plain } from '../../../src/slack/messages/kit/rich-text.ts';
import { planMessage } from '../../../src/slack/messages/plan.ts';
import { targetsOfEveryKind } from '../support/targets.ts';
import { toText } from '../support/to-text.ts';
import { bob, buildPlan, buildRequest, byHand } from '../../runbook/approvals/builders.ts';
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

const manySteps = (many: number): string[] =>
  Array.from({ length: Math.min(100, many + 1) }, (_, index) => `Step ${index + 1}`);

/** A request whose every text from elsewhere is hostile, in any state and size. */
const hostile: Arbitrary<ApprovalRequest> = record({
  evil: untrusted,
  many: integer({ min: 0, max: 500 }),
  state: constantFrom<RequestState>(...States.options),
}).map(({ evil, many, state }) => {
  const [session, ...others] = targetsOfEveryKind(evil);
  const sessions = Array.from({ length: many }, () => session).filter((one) => one !== undefined);
  // Of one kind in any number, or of every kind at once.
  const targets = many % 2 === 0 ? sessions : [...sessions.slice(0, 3), ...others];
  const skipped = Array.from({ length: Math.min(many, 50) }, () => ({
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
    plan: buildPlan({
      targets,
      skipped,
      skippedTotal: many,
      subject: evil,
      steps: manySteps(many),
      // No more sessions than a plan for a person names.
      ...(many <= 20 && { byHand }),
    }),
    handOff: { shownAt: at, until: at, ranBy: null },
    brokenGlass: many % 3 === 0 ? { by: bob, at, reason: evil } : null,
    votes: [{ by: bob, at, reason: evil }],
    closing: { by: bob, at, sentence: 'An approver denied it.', reason: evil },
    execution: { startedAt: at, left: many, skipped, before: fullness, after: null },
    result: {
      report: { items, summary: 'Two ended.', finished: true },
      outcome: {
        word: 'refilled',
        sentence: '1 of 2.',
        before: null,
        after: null,
        later: null,
        refill: { application: evil, before: 30, after: 2, later: 29, perMinute: 12 },
      },
      endedAt: at,
    },
  };
});

/** A first step that is done and a second one that is not. */
const someSteps: RunProgress = {
  steps: new Map([
    [0, { begunAt: '2026-11-23T03:00:00.000Z', endedAt: '2026-11-23T03:00:04.000Z' }],
    [1, { begunAt: '2026-11-23T03:00:04.000Z', endedAt: null }],
  ]),
  progress: '12 of 61 ended',
};

function evilOf({ plan }: ApprovalRequest): string {
  return plan.subject ?? '';
}

function allMessages(request: ApprovalRequest): Message[] {
  return [
    requestCard(request),
    requestCard(request, {
      runProgress: someSteps,
      stop: { by: '<@U1AB>', at: '', reason: evilOf(request) },
    }),
    planMessage(request.plan),
    requestsMessage([request]),
    ...fullListMessages(request),
    progressMessage(request, [[plain('No session.')], [plain('No session.')]]),
    endMessage(request, someSteps, { seq: 42, hash: request.hash }),
  ];
}

/** The pids in runs of code, as the thread lists them. */
function pidsIn(blocks: Message['blocks']): number[] {
  const runs = JSON.stringify(blocks).matchAll(/"text":"(\d+(?:, \d+)*)"/g);
  return [...runs].flatMap(([, run = '']) => run.split(', ').map(Number));
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
      const said = allMessages(request).flatMap((message) => fallbacksOf(message, 'full'));
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
      const pids = request.plan.targets.flatMap((target) =>
        target.kind === 'session' ? [target.identity.pid] : [],
      );
      const listed = fullListMessages(request).flatMap(({ blocks }) => pidsIn(blocks));
      // One session is named on the card itself.
      const inOrder = (some: readonly number[]) => some.toSorted((a, b) => a - b);
      expect(inOrder(listed)).toEqual(pids.length > 1 ? inOrder(pids) : []);
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
      const named = [request.proposedBy.id, bob.id, 'U1AB'];
      expect([...users].map(([, id]) => id ?? '').filter((id) => !named.includes(id))).toEqual([]);
    }),
    { numRuns: 40 },
  );
});

test.for([
  ['proposed', ['Approve ending 2 sessions', 'Deny…', 'Change…']],
  ['approved', ['Stop all changes']],
  ['handed', ['I ran it']],
  ['executing', ['Stop all changes']],
  ['verifying', []],
  ['expired', ['Propose again']],
  ['stale', ['Propose again']],
  ['denied', []],
  ['withdrawn', []],
  ['failed', []],
  ['done', []],
] as const)('a card that is %s has the buttons %j', ([state, expected]) => {
  expect(buttonTexts({ ...template, state })).toEqual(expected);
});

test('every state a request can be in is in that table', () => {
  const states = ['proposed', 'approved', 'handed', 'executing', 'verifying', 'expired', 'stale'];
  expect([...states, 'denied', 'withdrawn', 'failed', 'done'].toSorted()).toEqual(
    States.options.toSorted(),
  );
});

test('what is done offers its undo, and what it found, each for a vote of its own', () => {
  const undoAsk = { kind: 'raise-max-connections', to: 100 } as const;
  const followUps = [{ kind: 'stop-session', pid: 4711, how: 'terminate' } as const];
  const report = { items: [], summary: 'Done.', finished: true, followUps };
  const request: ApprovalRequest = {
    ...template,
    state: 'done',
    plan: buildPlan({ undoAsk }),
    result: { report, outcome: null, endedAt: '2026-11-23T03:00:00.000Z' },
  };
  expect(buttonTexts(request)).toEqual(['End pid 4711…', 'Propose the undo…']);
});

/** The words on a card's buttons, each of which carries the request's id and nothing else. */
function buttonTexts(request: ApprovalRequest): string[] {
  const { blocks } = requestCard(request);
  expect(checkBlocks('message', blocks)).toEqual([]);
  const actions = blocks.find((block) => block.type === 'actions');
  if (actions === undefined) return [];
  expect(actions.block_id?.split('.')[0]).toBe(blockIds.request);
  return actions.elements.map((element) => {
    if (element.type !== 'button') throw new Error('only buttons stand there');
    expect(element.value).toBe(request.id);
    return element.text.text;
  });
}

test('every kind of target is told in words, and what is not known is said so', () => {
  const text = toText(
    requestCard({ ...template, plan: buildPlan({ targets: [...targetsOfEveryKind('app')] }) }),
  );
  for (const words of [
    'cancel, then end',
    'active, also waiting',
    'prepared 25 h 00 ago, 4 sessions waiting, 9 locks',
    'idle_session_timeout',
    'for the role',
    'not set',
    'DATABASE_POOL_SIZE',
    'unknown → 10',
    '4 processes with a pool each, at most 60 connections',
    'healthy',
  ]) {
    expect(text).toContain(words);
  }
  expect(text).not.toMatch(/undefined|NaN|null|\[object/);
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
      { ...proposal, option: 'B', command: 'propose B 150' },
      { ...proposal, option: 'D', command: 'propose D' },
      { ...proposal, option: 'D', command: 'propose D' },
      { ...proposal, option: 'E', command: 'propose E backend 10 5', blocked: 'No Docker.' },
    ],
  });
  const buttons = (offers: readonly Action[]): unknown => {
    const { blocks } = diagnosisMessages.status({ diagnosis, target: aTarget(), offers });
    expect(checkBlocks('message', blocks)).toEqual([]);
    return blocks.find(({ type }) => type === 'actions') ?? null;
  };
  expect(buttons(['A', 'C'])).toMatchObject({
    elements: [
      { text: { text: 'End 3 idle transactions…' }, value: 'A orders' },
      { text: { text: 'Restart backend…' }, value: 'C backend orders' },
      { text: { text: 'Choose sessions to end…' }, value: 'orders' },
    ],
  });
  expect(buttons(['B', 'D', 'E'])).toMatchObject({
    elements: [
      { text: { text: 'Set max_connections to 150…' }, value: 'B 150 orders' },
      { text: { text: 'Stop blockers…' }, value: 'D orders' },
      // A person runs it.
      { text: { text: 'Resize pool of backend…' }, value: 'E backend 10 5 orders' },
    ],
  });
  expect(buttons(['C'])).toMatchObject({ elements: [{ value: 'C backend orders' }] });
  expect(buttons([])).toBeNull();
});
