import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Escalation } from '../../../src/runbook/incidents/rules.ts';

import type { EscalatorDeps } from '../../../src/runbook/escalation/escalator-deps.ts';
import { ann, bob } from '../approvals/builders.ts';
import { startedAtMs } from '../approvals/world.ts';
import { aDiagnosis } from '../../slack/support/diagnoses.ts';
import { aStep, channel, minuteMs, openSwitchboard, routingKey } from './switchboard.ts';
import type { Switchboard } from './switchboard.ts';
import type { Clock } from '../../../src/timing.ts';

let board: Switchboard;
beforeEach(async () => {
  board = await openSwitchboard();
});
afterEach(() => board.close());

function at(minutes: number): string {
  return new Date(startedAtMs + minutes * minuteMs).toISOString();
}

function byHand(change: Partial<Escalation> = {}): Escalation {
  return {
    id: 'hand-7',
    who: 'backend-lead',
    via: 'channel',
    dueAt: at(0),
    state: 'sending',
    sentAt: null,
    tries: 0,
    reasons: [],
    by: ann,
    quote: 'it fills again',
    ...change,
  };
}

test('each step is taken once, when its time has come, by the runbook’s own method', async () => {
  await board.open({
    policy: [
      aStep({ afterMs: 5 * minuteMs }),
      aStep({ who: 'backend-lead', afterMs: 10 * minuteMs }),
      aStep({ who: 'on-call', afterMs: 15 * minuteMs }),
    ],
  });
  const escalator = board.escalator();
  await board.rounds(escalator, 5, minuteMs);
  expect(board.messages).toEqual([]);
  const incident = await board.rounds(escalator, 20, minuteMs);
  expect(board.messages.map(({ to, mention }) => [to, mention])).toEqual([
    [channel, 'SDBA'],
    ['ULEAD', null],
  ]);
  expect(board.pagerDuty.pages).toMatchObject([
    { key: `dbconn/shop/${incident.id}`, state: 'triggered', heard: ['trigger'] },
  ]);
  expect(
    incident.escalations.map(({ id, via, state, sentAt }) => [id, via, state, sentAt]),
  ).toEqual([
    ['step-0', 'channel', 'sent', at(5)],
    ['step-1', 'direct', 'sent', at(10)],
    ['step-2', 'pager', 'sent', at(15)],
  ]);
  expect(incident.pager).toBe('triggered');
  expect(board.counts).toEqual(['due', 'sent', 'due', 'sent', 'due', 'sent']);
});

test('the call in the channel goes into the incident’s thread too, and says how it stands and why', async () => {
  await board.open({ policy: [aStep({ afterMs: 3 * minuteMs })] });
  board.clock.nowMs += 3 * minuteMs;
  await board.advance(board.escalator(), { diagnosis: aDiagnosis({ causes: [] }) });
  const [message] = board.messages;
  expect(message).toMatchObject({ to: channel, thread: '1700000000.000100', quote: null });
  expect(message?.headline).toBe(
    'shop needs the database admins. 94 of 97 usable connections, full in about 4 minutes. ' +
      'Open for 3 minutes, no owner yet. After 3 minutes no cause fits.',
  );
  const sentences = (await board.notes()).map(({ sentence }) => sentence);
  expect(sentences).toContain('Notified the database admins in the channel.');
});

test('a step for a reason waits for the reason, and is not late because of that', async () => {
  await board.open({ policy: [aStep({ when: ['source-not-identified'] })] });
  const escalator = board.escalator();
  await board.rounds(escalator, 60, minuteMs);
  expect(board.messages).toEqual([]);
  await board.advance(escalator, { diagnosis: aDiagnosis({ causes: [] }) });
  expect(board.messages).toHaveLength(1);
  expect(board.messages[0]?.headline).not.toContain('was due');
});

test('somebody who has it is not called over by a step that spares them', async () => {
  await board.open({ policy: [aStep({ unlessAssigned: true })], assignee: { by: bob, at: at(0) } });
  await board.rounds(board.escalator(), 10, minuteMs);
  expect(board.messages).toEqual([]);
});

test('a warning calls nobody for its age, and whoever a reason is for', async () => {
  await board.open({
    severity: 'warning',
    policy: [aStep(), aStep({ who: 'backend-lead', when: ['source-not-identified'] })],
  });
  const escalator = board.escalator();
  await board.rounds(escalator, 10, minuteMs);
  expect(board.messages).toEqual([]);
  await board.advance(escalator, { diagnosis: aDiagnosis({ causes: [] }) });
  expect(board.messages.map(({ to }) => to)).toEqual(['ULEAD']);
});

test('silence holds every step of the policy back until it ends, and none is called late', async () => {
  await board.open({
    policy: [aStep({ afterMs: minuteMs })],
    silence: { by: ann, at: at(0), until: at(60), reason: 'maintenance' },
  });
  await board.rounds(board.escalator(), 60, minuteMs);
  expect(board.messages).toEqual([]);
  board.clock.nowMs = startedAtMs + 60 * minuteMs;
  await board.advance(board.escalator());
  expect(board.messages).toHaveLength(1);
  expect(board.messages[0]?.headline).not.toContain('was due');
});

test('what a person asks for is sent in silence too, with their words', async () => {
  await board.open({
    silence: { by: ann, at: at(0), until: at(60), reason: 'maintenance' },
    escalations: [byHand()],
  });
  await board.rounds(board.escalator(), 3, minuteMs);
  expect(board.messages).toMatchObject([{ to: 'ULEAD', quote: 'it fills again' }]);
  expect(board.messages[0]?.headline).toContain(
    '<@UANN> asks the backend lead for help with shop.',
  );
});

test.for(['resolved', 'merged'] as const)('nobody is called for a %s incident', async (state) => {
  await board.open({ policy: [aStep()], escalations: [byHand()] });
  await board.change({}, state);
  await board.rounds(board.escalator(), 10, minuteMs);
  expect(board.messages).toEqual([]);
  expect(board.pagerDuty.calls).toEqual([]);
});

test('steps that fell due while dbconn was away are sent once at its start, and say that they are late', async () => {
  await board.open({ policy: [aStep({ afterMs: 5 * minuteMs }), aStep({ who: 'on-call' })] });
  board.clock.nowMs += 65 * minuteMs;
  await board.rounds(board.escalator(), 3, minuteMs);
  expect(board.messages).toHaveLength(1);
  expect(board.messages[0]?.headline).toContain('This escalation is 60 minutes late.');
  expect(board.pagerDuty.pages).toMatchObject([{ heard: ['trigger'] }]);
});

test('an incident that came back calls again, after its new beginning', async () => {
  await board.open({ policy: [aStep({ afterMs: 5 * minuteMs }), aStep({ who: 'on-call' })] });
  const escalator = board.escalator();
  await board.rounds(escalator, 6, minuteMs);
  await board.change({}, 'resolved');
  await board.advance(escalator);
  board.clock.nowMs = startedAtMs + 20 * minuteMs;
  await board.change({ reopenedAt: [at(20)] }, 'open');
  await board.rounds(escalator, 4, minuteMs);
  expect(board.messages).toHaveLength(1);
  board.clock.nowMs = startedAtMs + 25 * minuteMs;
  const incident = await board.advance(escalator);
  expect(board.messages).toHaveLength(2);
  expect(incident.escalations.map(({ id }) => id)).toEqual([
    'step-1',
    'step-0',
    'step-1-1',
    'step-0-1',
  ]);
  expect(board.pagerDuty.pages.map(({ state }) => state)).toEqual(['resolved', 'triggered']);
});

test('what Slack refuses is tried again with growing pauses, and told once in the thread', async () => {
  await board.open({ policy: [aStep()] });
  board.refuse(3);
  const escalator = board.escalator();
  const [tries, beganMs] = [[] as number[], board.clock.now()];
  for (let round = 0; round < 40 && board.messages.length === 0; round += 1) {
    const before = board.faults.length;
    await board.advance(escalator);
    if (board.faults.length > before) tries.push((board.clock.now() - beganMs) / 1000);
    board.clock.nowMs += 5000;
  }
  expect(tries).toEqual([0, 15, 45]);
  expect(board.messages).toHaveLength(1);
  const told = (await board.notes()).filter(({ sentence }) => sentence?.includes('could not'));
  expect(told).toHaveLength(1);
  expect((await board.read()).escalations).toMatchObject([{ state: 'sent', tries: 4 }]);
});

test('a direct message that cannot be had goes into the channel, and the incident says so', async () => {
  await board.open({ policy: [aStep({ who: 'backend-lead' })] });
  board.refuse(99, 'ULEAD');
  await board.rounds(board.escalator(), 30, 10_000);
  expect(board.messages).toMatchObject([{ to: channel, mention: 'ULEAD' }]);
  const sentences = (await board.notes()).map(({ sentence }) => sentence);
  expect(sentences).toContain(
    'The backend lead could not be notified by a direct message. Slack did not accept it. Notifying them in the channel instead.',
  );
});

test('a pager that refuses for good is given up at once, and the person is called in Slack', async () => {
  await board.open({ policy: [aStep({ who: 'on-call' })] });
  board.pagerDuty.misbehave({ status: 400 }, 99);
  const incident = await board.rounds(board.escalator(), 2, 1000);
  expect(board.pagerDuty.calls).toHaveLength(1);
  expect(board.messages).toMatchObject([{ to: 'UONCALL' }]);
  expect(incident).toMatchObject({
    pager: 'none',
    escalations: [{ via: 'direct', state: 'sent' }],
  });
  const sentences = (await board.notes()).map(({ sentence }) => sentence).join(' ');
  expect(sentences).toContain('Notifying them by a direct message instead.');
  expect(sentences).not.toContain(routingKey);
});

test('a pager that is away is tried twice for two minutes, then the person is called in Slack', async () => {
  await board.open({ policy: [aStep({ who: 'on-call' })] });
  board.pagerDuty.misbehave({ status: 503 }, 999);
  await board.rounds(board.escalator(), 4, 20_000);
  expect(board.messages).toMatchObject([{ to: 'UONCALL' }]);
  expect(board.clock.now() - startedAtMs).toBeLessThan(6 * minuteMs);
});

test('without a pager the on-call group is mentioned in the channel', async () => {
  await board.open({ policy: [aStep({ who: 'on-call' })] });
  const targets = [{ name: 'shop', contacts: { onCall: 'SONCALL' }, links: { guides: [] } }];
  await board.advance(board.escalator({ targets, pagerOf: () => undefined }));
  expect(board.messages).toMatchObject([{ to: channel, mention: 'SONCALL' }]);
});

test('a step for nobody is said once, and not tried over and over', async () => {
  await board.open({ policy: [aStep({ who: 'backend-lead' })] });
  const ports = { targets: [], channel: undefined, pagerOf: () => undefined };
  const incident = await board.rounds(board.escalator(ports), 5, minuteMs);
  expect(incident.escalations).toMatchObject([{ state: 'failed', tries: 0 }]);
  const sentences = (await board.notes()).map(({ sentence }) => sentence).join(' ');
  expect(sentences).toContain('The backend lead cannot be notified: set contacts');
  await board.rounds(board.escalator(), 2, minuteMs);
  expect(board.messages).toMatchObject([{ to: 'ULEAD' }]);
});

test('whoever has it and went quiet is asked three times, then the policy goes on without them', async () => {
  await board.open({
    policy: [aStep({ afterMs: minuteMs, unlessAssigned: true })],
    assignee: { by: bob, at: at(0) },
  });
  const escalator = board.escalator();
  await board.rounds(escalator, 30, minuteMs);
  expect([...board.questions.values()]).toEqual([]);
  board.clock.nowMs = startedAtMs + 30 * minuteMs;
  await board.advance(escalator);
  expect([...board.questions.values()]).toEqual([
    '<@UBOB>, you own this incident and nothing has happened for 30 minutes. Are you still on it?',
  ]);
  // Another process goes on where this one was.
  await board.rounds(board.escalator(), 89, minuteMs);
  expect(board.questions.size).toBe(3);
  expect(board.messages).toEqual([]);
  board.clock.nowMs = startedAtMs + 120 * minuteMs;
  await board.advance(board.escalator());
  expect(board.messages).toHaveLength(1);
  expect(board.messages[0]?.headline).toContain('Owner: <@UBOB>, not responding.');
  await board.rounds(board.escalator(), 100, minuteMs);
  expect(board.questions.size).toBe(3);
});

test('whoever does something is not asked', async () => {
  await board.open({ assignee: { by: bob, at: at(0) } });
  const escalator = board.escalator();
  for (let minutes = 20; minutes < 120; minutes += 20) {
    board.clock.nowMs = startedAtMs + minutes * minuteMs;
    await board.change({}, 'open', { kind: 'incident-request', sentence: 'Option C ran.' });
    await board.advance(escalator);
  }
  expect(board.questions.size).toBe(0);
});

test('the notes of an incident that somebody has for hours are read once, not at every round', async () => {
  await board.open({ policy: [], assignee: { by: bob, at: at(0) } });
  for (let note = 0; note < 50; note += 1) await board.change({});
  board.clock.nowMs += 31 * minuteMs;
  const read: number[] = [];
  const { journal } = board;
  const log: EscalatorDeps['log'] = {
    readIncident: (id) => journal.readIncident(id),
    moveIncident: (...given) => journal.moveIncident(...given),
    async readNotes(id, afterSeq) {
      const notes = await journal.readNotes(id, afterSeq);
      read.push(...notes.map(({ seq }) => seq));
      return notes;
    },
  };
  await board.rounds(board.escalator({ log }), 60, minuteMs);
  expect(board.questions.size).toBe(2);
  expect(new Set(read).size).toBe(read.length);
  expect(read.length).toBeGreaterThan(50);
});

test('what was put off for a while is not put off for hours because the clock was set back', async () => {
  await board.open({ policy: [aStep()] });
  let aheadMs = 0;
  const clock: Clock = {
    now: () => board.clock.now(),
    uptime: () => board.clock.now() - aheadMs,
    sleep: (ms, signal) => board.clock.sleep(ms, signal),
  };
  const escalator = board.escalator({ clock });
  board.refuse(1);
  await board.advance(escalator);
  aheadMs -= 7200 * 1000;
  board.clock.nowMs -= 7200 * 1000;
  await board.change({ openedAt: at(-120) });
  await board.rounds(escalator, 3, minuteMs);
  expect(board.messages).toHaveLength(1);
});
