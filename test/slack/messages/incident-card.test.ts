import type { ActionsBlock } from '@slack/types';
import { describe, expect, test } from 'vitest';
import { toText } from '../../../sandbox/message-text.ts';
import { checkBlocks } from '../../../sandbox/slack/check-payload.ts';
import type { ApprovalRequest } from '../../../src/runbook/approvals/request.ts';
import type { KeptNote } from '../../../src/runbook/incidents/incident-log.ts';
import type { Incident, Observation } from '../../../src/runbook/incidents/incident.ts';
import type { IncidentView } from '../../../src/runbook/incidents/incidents.ts';
import type { Action } from '../../../src/runbook/remedies/remedy-request.ts';
import {
  isForThread,
  linesAtOnce,
  noteLines,
  writeIncident,
} from '../../../src/slack/messages/incident-card.ts';
import type { Message } from '../../../src/slack/messages/kit/message.ts';
import { buildIncident } from '../../journal/build-incident.ts';
import { buildPlan, buildRequest } from '../../runbook/approvals/builders.ts';
import { aDiagnosis, aHolder, aTarget } from '../support/diagnoses.ts';
import { aView } from '../support/incident-board.ts';

const person = { id: 'U0ANA00000', via: 'slack' as const };
const offers: readonly Action[] = ['A', 'C'];
const scene = { target: aTarget(), offers, isReplacement: false };

/** What the diagnosis would do, as the runbook words it. */
const proposals = [
  {
    option: 'A' as const,
    subject: null,
    summary: 'End 65 sessions idle in transaction.',
    slotsFreed: 65,
    blocked: null,
    command: 'propose A',
  },
  {
    option: 'C' as const,
    subject: 'backend',
    summary: 'Restart backend.',
    slotsFreed: 80,
    blocked: null,
    command: 'propose C backend',
  },
];

function anIncident(changes: Partial<Incident> = {}): Incident {
  return buildIncident({
    target: 'orders',
    triggers: [
      {
        kind: 'alert',
        name: 'DatabaseConnectionPoolExhausted',
        fingerprint: 'f',
        startsAt: '2026-11-23T03:00:00.000Z',
        endedAt: null,
      },
    ],
    ...changes,
  });
}

function aCheck(changes: Partial<Observation> = {}): Observation {
  return {
    at: '2026-11-23T03:05:00.000Z',
    state: 'critical',
    headline: '97 of 97 usable connections: full.',
    verdict: 'Likely cause: connection leak.',
    cause: 'connection-leak',
    capacity: { used: 97, usable: 97 },
    option: 'C',
    subject: 'backend',
    ...changes,
  };
}

function show(view: Partial<IncidentView>, more: Partial<typeof scene> = {}): string {
  return toText(written(view, more));
}

function written(view: Partial<IncidentView>, more: Partial<typeof scene> = {}): Message {
  const full = aView({ incident: anIncident(), diagnosis: aDiagnosis({ proposals }), ...view });
  return writeIncident(full, { ...scene, ...more }).message;
}

function buttonsOf({ blocks }: Message): ActionsBlock['elements'] {
  const actions = blocks.find(({ type }) => type === 'actions');
  return actions !== undefined && 'elements' in actions && actions.type === 'actions'
    ? actions.elements
    : [];
}

describe('the message of an open incident', () => {
  test('says how bad it is, since when and by what, who owns it, why, and what would help', () => {
    const text = show({});
    expect(text).toContain('🔴 Critical, orders: 94 of 97 usable connections');
    expect(text).toContain('by the alert DatabaseConnectionPoolExhausted');
    expect(text).toContain('No owner yet');
    expect(text).toContain('This looks like a connection leak');
    expect(text).toContain('All pools together: up to 134 connections for 97 usable');
    expect(text).toContain('Option A:');
    expect(text).toContain('Incident inc-0abc1234');
  });

  test('names the owner, and offers to take over', () => {
    const assignee = { by: person, at: '2026-11-23T03:02:00.000Z' };
    const text = show({ incident: anIncident({ assignee }) });
    expect(text).toContain('Owner: @U0ANA00000 since');
    expect(text).toContain('[ Take over ]');
  });

  test('has a button for each of the first three remedies, the fitting one primary, and the others in the menu', () => {
    const more = ['C worker', 'C mailer'].map((words) => ({
      option: 'C' as const,
      subject: words.slice(2),
      summary: `Restart ${words.slice(2)}.`,
      slotsFreed: 1,
      blocked: null,
      command: `propose ${words}`,
    }));
    const diagnosis = aDiagnosis({ proposals: [...proposals, ...more] });
    const elements = buttonsOf(written({ diagnosis }));
    expect(elements.map(({ type }) => type)).toEqual([
      ...Array.from({ length: 5 }, () => 'button'),
      'overflow',
    ]);
    const json = elements.map((element) => JSON.stringify(element));
    expect(json[0]).toContain('"style":"primary"');
    expect(json[0]).toContain('End 65 idle transactions…');
    expect(json.join('').match(/"primary"/g)).toHaveLength(1);
    expect(json[5]).toContain('Restart mailer…');
    expect(json[5]).toContain('"propose inc-0abc1234 C mailer orders"');
  });

  test('without a remedy that can be proposed, Acknowledge is primary', () => {
    const [first] = buttonsOf(written({}, { offers: [] }));
    expect(first).toMatchObject({ text: { text: 'Acknowledge' }, style: 'primary' });
  });

  test('has a name for each button that a screen reader reads, and short words on it', () => {
    for (const element of buttonsOf(written({}))) {
      if (element.type !== 'button') continue;
      expect(element.accessibility_label).toContain('orders');
      expect(element.text.text.length).toBeLessThan(30);
    }
  });

  test('puts the buttons before the evidence, and what is read before them is short', () => {
    const { blocks } = written({});
    const at = blocks.findIndex(({ type }) => type === 'actions');
    expect(blocks.findIndex(({ type }) => type === 'container')).toBeGreaterThan(at);
    const before = toText({ text: '', blocks: blocks.slice(0, at) });
    expect(before.split(/\s+/).length).toBeLessThan(80);
  });

  test('folds the evidence away, and says what is behind the fold', () => {
    const { blocks } = written({});
    const [fold, ...others] = blocks.filter((block) => block.type === 'container');
    expect(others).toEqual([]);
    expect(fold).toMatchObject({
      title: {
        text: 'Evidence: connections, blockers and pools',
      },
      is_collapsible: true,
      default_collapsed: true,
    });
    expect(fold?.child_blocks.map(({ type }) => type)).toEqual(['table', 'rich_text', 'rich_text']);
    const unfolded = blocks.filter(({ type }) => type !== 'container');
    expect(unfolded.map(({ type }) => type)).not.toContain('table');
  });

  test('keeps the id of the fold in each version, so that it can stay open', () => {
    const idOf = ({ blocks }: Message): unknown =>
      blocks.find(({ type }) => type === 'container')?.block_id;
    const first = written({});
    const next = written({
      diagnosis: aDiagnosis({ headline: '95 of 97.', holders: [aHolder({})] }),
    });
    expect(idOf(first)).toBe('dbconn_evidence.inc-0abc1234');
    expect(idOf(next)).toBe(idOf(first));
  });

  test('says in its notification what is wrong, why, and whether it has an owner', () => {
    const { text } = written({});
    expect(text).toContain('Critical, orders: 94 of 97 usable connections');
    expect(text).toContain('This looks like a connection leak');
    expect(text).toContain('No owner yet.');
  });

  test('withdraws a remedy that did not help, says why, and offers the next one', () => {
    const sentence = 'Ending sessions of backend did not help 2 times in 20 minutes.';
    const ineffective = [{ option: 'A' as const, subject: null, sentence }];
    const text = show({ ineffective });
    expect(text).toContain(sentence);
    expect(text).toContain('What did not help');
    expect(text).not.toContain('[ End 65');
    expect(text).not.toContain('Option A:');
    expect(text).toContain('[ Restart backend… ]');
    expect(show({})).toContain('[ End 65 idle transactions… ]');
  });

  test('offers no remedy that nobody could approve', () => {
    expect(show({}, { offers: [] })).not.toMatch(/\[ (?:End|Restart)/);
  });

  const at = '2026-11-23T03:10:00.000Z';
  test.for([
    ['the alerts are resolved, but the checks are not fine yet', at, null],
    ['stays open while DatabaseConnectionPoolExhausted fires', null, at],
    ['resolves by itself if that lasts', at, at],
  ] as const)('says that %s', ([words, endedAt, calmSince]) => {
    const [trigger] = anIncident().triggers;
    const triggers = trigger === undefined ? [] : [{ ...trigger, endedAt }];
    const text = show({ incident: anIncident({ triggers, calmSince, last: aCheck() }) });
    expect(text).toContain(words);
  });

  test('offers no remedy and names no cause once connections are available again, whatever old log lines say', () => {
    const diagnosis = aDiagnosis({ proposals, state: 'warning', headline: '3 of 97 usable.' });
    const text = show({ incident: anIncident({ calmSince: at }), diagnosis });
    expect(text).toContain('Connections are available again.');
    expect(text).not.toMatch(/\[ (?:End|Restart)/);
    expect(text).not.toContain('What would help');
    expect(text).not.toContain(diagnosis.verdict);
  });

  test('the person who closed it is named once', () => {
    const sentence = '<@U0MAYA> closed it.';
    const closing = { by: person, at, sentence, reason: 'the load test is over' };
    const text = show({ incident: anIncident({ state: 'resolved', closing }) });
    expect(text).toMatch(/^ +• Ended at .*: @U0MAYA closed it\.$/m);
    expect(text).toContain('the load test is over');
  });

  test('what is resolved is put down to what the surest check found, and not to what the last one did', () => {
    const first = aCheck({ cause: 'connection-leak', confidence: 0.9 });
    const last = aCheck({ cause: 'pool-misconfiguration', confidence: 0.6, state: 'warning' });
    const text = show({ incident: anIncident({ state: 'resolved', first, last }) });
    expect(text).toContain('Cause: Connection leak');
    expect(text).not.toContain('misconfiguration');
  });

  test('says first that it is silenced, by whom and why', () => {
    const at = '2026-11-23T03:01:00.000Z';
    const silence = { by: person, at, until: '2026-11-23T05:01:00.000Z', reason: 'a load test' };
    const text = show({ incident: anIncident({ silence }) });
    expect(text).toMatch(/Silenced, no escalations until/);
    expect(text).toContain('a load test');
    expect(text.indexOf('Silenced')).toBeLessThan(text.indexOf('No owner yet'));
  });

  test('names who was notified, and who is next on which condition', () => {
    const incident = anIncident({
      policy: [
        { who: 'database-admins', afterMs: 0, when: [], unlessAssigned: false },
        { who: 'on-call', afterMs: 900_000, when: ['data-integrity'], unlessAssigned: true },
      ],
      escalations: [
        {
          id: 'step-0',
          who: 'database-admins',
          via: 'channel',
          dueAt: '2026-11-23T03:00:00.000Z',
          state: 'sent',
          sentAt: '2026-11-23T03:00:01.000Z',
          tries: 1,
          reasons: [{ name: 'source-not-identified', sentence: 'No source.' }],
          by: null,
          quote: null,
        },
      ],
    });
    const text = show({ incident });
    expect(text).toMatch(/The database admins: notified in the channel at/);
    expect(text).toMatch(
      /Next: the on-call engineer at .*Only if data may be affected\. Not if it has an owner\./,
    );
  });

  test('a reopened one escalates from the beginning, counted from when it was reopened', () => {
    const incident = anIncident({
      openedAt: '2026-11-23T03:00:00.000Z',
      reopenedAt: ['2026-11-23T05:00:00.000Z'],
      severity: 'warning',
      policy: [{ who: 'on-call', afterMs: 900_000, when: [], unlessAssigned: false }],
      escalations: [
        {
          id: 'step-0',
          who: 'on-call',
          via: 'pager',
          dueAt: '2026-11-23T03:15:00.000Z',
          state: 'sent',
          sentAt: '2026-11-23T03:15:01.000Z',
          tries: 1,
          reasons: [],
          by: null,
          quote: null,
        },
      ],
    });
    const text = show({ incident });
    expect(text).toMatch(/Next: the on-call engineer at .*05:15:00.*\. Only if it is critical\./);
  });

  test('before the first check after a start it shows what the last one said', () => {
    const last = {
      at: '2026-11-23T03:01:00.000Z',
      state: 'critical' as const,
      headline: '96 of 97 usable connections.',
      verdict: 'Likely cause: connection leak.',
      cause: 'connection-leak' as const,
      capacity: { used: 96, usable: 97 },
      option: 'A' as const,
      subject: null,
    };
    const text = show({ incident: anIncident({ last }), diagnosis: null });
    expect(text).toContain('96 of 97');
    expect(text).toContain('Likely cause: connection leak.');
  });
});

test('a resolved incident says how long it lasted, how it ended and what is left, and keeps only its menu', () => {
  const incident = anIncident({
    state: 'resolved',
    closing: {
      by: null,
      at: '2026-11-23T03:23:00.000Z',
      sentence: 'Every check in the last 2 minutes was fine.',
      reason: null,
    },
    peak: { at: '2026-11-23T03:04:00.000Z', used: 97, usable: 97 },
    checklist: [{ item: 'pooler', by: person, at: '2026-11-23T04:00:00.000Z' }],
  });
  const text = show({ incident });
  expect(text).toContain('✅ Resolved, orders: lasted 23 min.');
  expect(text).toContain('Every check in the last 2 minutes was fine.');
  expect(text).toContain('97 of 97');
  expect(text).toContain('1 of 5 checklist items');
  expect(text).not.toContain('[ Acknowledge ]');
});

test('what waits for approval is a link, and is not offered a second time', async () => {
  const requests: ApprovalRequest[] = [await buildRequest({ target: 'orders', plan: buildPlan() })];
  const text = show({ requests });
  expect(text).toContain('Waiting for 1 approval: ');
  expect(text).toContain('r1');
  expect(text).not.toContain('[ End 65');
  expect(text).toContain('[ Restart backend… ]');
  const links = new Map([['r1', 'https://example.slack.com/archives/C1/p1']]);
  const { message } = writeIncident(aView({ requests }), { ...scene, links });
  expect(JSON.stringify(message.blocks)).toContain('"url":"https://example.slack.com/archives');
});

/** Names and words that try to call people, to look like dbconn, and to break out of where they stand. */
const evil = '<!channel> *bold* `code` <@U0ANA00000> \u202e<https://evil.example|click> :tada:';

test('names out of the database and words of people call nobody and format nothing', () => {
  const incident = anIncident({
    triggers: [
      {
        kind: 'person',
        by: person,
        startsAt: '2026-11-23T03:00:00.000Z',
        endedAt: null,
        reason: evil,
      },
    ],
    silence: {
      by: person,
      at: '2026-11-23T03:01:00.000Z',
      until: '2026-11-23T05:01:00.000Z',
      reason: evil,
    },
    closing: null,
  });
  const diagnosis = aDiagnosis({ holders: [aHolder({ name: evil, service: null })] });
  const message = written({ incident, diagnosis });
  expect(checkBlocks('message', message.blocks)).toEqual([]);
  expect(message.text).not.toMatch(/<|evil/);
  const json = JSON.stringify(message.blocks);
  expect(json).not.toContain('mrkdwn');
  expect(json).not.toContain('"type":"broadcast"');
  expect(json).not.toContain('"url":"https://evil');
  expect(json).not.toContain('\u202e');
});

test('the largest incident fits Slack: 50 blocks, one table, every text within its bounds', async () => {
  const long = 'x'.repeat(5000);
  const request = await buildRequest({ plan: buildPlan({ title: long }), target: 'orders' });
  const note: KeptNote = {
    seq: 1,
    at: '2026-11-23T03:00:00.000Z',
    kind: 'incident-seen',
    sentence: long,
  };
  const diagnosis = aDiagnosis({
    headline: long,
    verdict: long,
    holders: Array.from({ length: 200 }, () => aHolder({ name: long })),
  });
  const incident = anIncident({
    silence: { by: person, at: note.at, until: note.at, reason: long },
  });
  const ineffective = Array.from({ length: 30 }, () => ({
    option: 'C' as const,
    subject: 'x',
    sentence: long,
  }));
  const message = written({
    incident,
    diagnosis,
    ineffective,
    requests: Array.from({ length: 60 }, () => request),
  });
  expect(checkBlocks('message', message.blocks)).toEqual([]);
  expect(message.blocks.length).toBeLessThanOrEqual(50);
  expect(message.text.length).toBeLessThanOrEqual(4000);
  expect(JSON.stringify(message.blocks).match(/"type":"table"/g)).toHaveLength(1);
  const news = noteLines(
    incident,
    Array.from({ length: linesAtOnce }, () => ({ ...note, quote: long })),
  );
  expect(checkBlocks('message', news.blocks)).toEqual([]);
});

test('the thread leaves out what another message says already', () => {
  const aNote = (note: Partial<KeptNote>): KeptNote => ({
    seq: 1,
    at: '2026-11-23T03:00:00.000Z',
    kind: 'incident-request',
    sentence: 'It happened.',
    ...note,
  });
  const ofRequest = (state: string): KeptNote => aNote({ facts: { key: `request:r1:${state}` } });
  const told = ['proposed', 'approved', 'executing', 'verifying', 'done', 'failed', 'denied'];
  expect(told.filter((state) => isForThread(ofRequest(state)))).toEqual([
    'verifying',
    'done',
    'failed',
    'denied',
  ]);
  const called = (via: string): KeptNote => aNote({ kind: 'incident-escalated', facts: { via } });
  expect(['channel', 'direct', 'pager'].filter((via) => isForThread(called(via)))).toEqual([
    'direct',
    'pager',
  ]);
  expect(isForThread(aNote({ kind: 'incident-paged', facts: { told: 'resolved' } }))).toBe(false);
  expect(isForThread(aNote({ kind: 'incident-paged' }))).toBe(true);
  expect(isForThread(aNote({ kind: 'incident-seen', sentence: null }))).toBe(false);
});

test('the notification of a line in the thread is that line', () => {
  const sentence = '<@U0ANA00000> acknowledged it.';
  const at = '2026-11-23T03:00:00.000Z';
  const note: KeptNote = { seq: 1, at, kind: 'incident-assigned', sentence };
  expect(noteLines(anIncident(), [note]).text).toBe('orders: <@U0ANA00000> acknowledged it.');
});

test('a line of the thread names people and calls no group', () => {
  const sentence = '<@U0ANA00000> called <!subteam^S0DBADMINS>.';
  const note: KeptNote = {
    seq: 1,
    at: '2026-11-23T03:00:00.000Z',
    kind: 'incident-escalated',
    sentence,
  };
  const json = JSON.stringify(noteLines(anIncident(), [note]));
  expect(json).toContain('"user_id":"U0ANA00000"');
  expect(json).not.toContain('S0DBADMINS');
});

test('two checks that say the same differ in nothing but the time of the check', () => {
  const one = writeIncident(aView(), scene);
  const later = aDiagnosis({
    takenAt: '2026-11-23T03:04:20.000Z',
    timings: { database: 1, pools: 2, logs: 3, services: 4 },
  });
  const two = writeIncident(aView({ diagnosis: later }), scene);
  expect(two.contentKey).toBe(one.contentKey);
  expect(toText(two.message)).not.toBe(toText(one.message));
});
