import { afterEach, beforeEach, expect, test } from 'vitest';
import { Auditor } from '../../../src/runbook/escalation/auditor.ts';
import type { AuditorDeps } from '../../../src/runbook/escalation/auditor.ts';

import { buildRequest } from '../approvals/builders.ts';
import { startedAtMs } from '../approvals/world.ts';
import { aStep, channel, contacts, minuteMs, openSwitchboard } from './switchboard.ts';
import type { Switchboard } from './switchboard.ts';
import type { Announcement } from '../../../src/runbook/approvals/notices.ts';

let board: Switchboard;
let told: Announcement[];
let counts: string[];
let faults: unknown[];
beforeEach(async () => {
  board = await openSwitchboard();
  [told, counts, faults] = [[], [], []];
});
afterEach(() => board.close());

function open(change: Partial<AuditorDeps> = {}): Auditor {
  return new Auditor({
    log: board.journal,
    clock: board.clock,
    rules: { overdueAfterMs: minuteMs },
    announcements: { announce: (one) => Promise.resolve(void told.push(one)) },
    meter: { escalation: (what) => void counts.push(what) },
    channel,
    targets: [{ name: 'shop', contacts, links: { guides: [] } }],
    holderId: 'auditor',
    onFault: (error) => void faults.push(error),
    ...change,
  });
}

/** Rounds in which somebody tends the incidents, but calls nobody. */
async function audit(auditor: Auditor, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    await board.journal.takeLead({ id: 'hung', forMs: 20_000 });
    await auditor.audit();
    board.clock.nowMs += 15_000;
  }
}

test('a step that fell due and is not taken is said once, counted, and told to whoever asks for health', async () => {
  await board.open({ policy: [aStep({ who: 'on-call', afterMs: minuteMs })] });
  const auditor = open();
  await audit(auditor, 8);
  expect(auditor.overdue()).toEqual([]);
  await audit(auditor, 2);
  const sentence =
    'shop: the escalation to the on-call engineer is overdue by 60 seconds. Notify them yourself.';
  expect(told).toMatchObject([{ to: channel, mention: 'UONCALL', headline: sentence }]);
  await audit(auditor, 10);
  expect(told).toHaveLength(1);
  expect(counts).toEqual(['overdue']);
  expect(auditor.overdue()).toHaveLength(1);
  const notes = await board.notes();
  expect(notes.filter(({ kind }) => kind === 'incident-overdue')).toMatchObject([{ sentence }]);
});

test('two processes say it once', async () => {
  await board.open({ policy: [aStep()] });
  const [one, other] = [open(), open()];
  for (let round = 0; round < 8; round += 1) {
    await audit(one, 1);
    await other.audit();
  }
  expect(told).toHaveLength(1);
  expect(other.overdue()).toHaveLength(1);
});

test('a step that was taken is no complaint any more', async () => {
  await board.open({ policy: [aStep()] });
  const auditor = open();
  await audit(auditor, 6);
  expect(auditor.overdue()).toHaveLength(1);
  await board.advance(board.escalator());
  await audit(auditor, 1);
  expect(auditor.overdue()).toEqual([]);
});

test('steps that fell due while dbconn was away are given the time to be taken', async () => {
  await board.open({ policy: [aStep()] });
  board.clock.nowMs += 120 * minuteMs;
  await audit(open(), 3);
  expect(told).toEqual([]);
});

test('a step that stays refused is a complaint', async () => {
  await board.open({ policy: [aStep()] });
  board.refuse(999);
  const [escalator, auditor] = [board.escalator(), open()];
  for (let round = 0; round < 8; round += 1) {
    await board.advance(escalator);
    await audit(auditor, 1);
  }
  expect(told[0]?.headline).toContain('seconds: it was refused. Notify them yourself.');
});

test('a step for a reason the journal knows is missed too', async () => {
  await board.open({ policy: [aStep({ when: ['needs-configuration-change'] })] });
  const auditor = open();
  await audit(auditor, 6);
  expect(auditor.overdue()).toEqual([]);
  const proposedAt = new Date(board.clock.now()).toISOString();
  const expiresAt = new Date(board.clock.now() + 60 * minuteMs).toISOString();
  const request = await buildRequest({ option: 'B', proposedAt, expiresAt });
  await board.journal.create(request, { request: request.id, kind: 'proposed', body: {} });
  await audit(auditor, 6);
  expect(auditor.overdue()).toHaveLength(1);
});

test('what is silenced, taken by somebody, or over, is not overdue', async () => {
  const at = new Date(startedAtMs).toISOString();
  const until = new Date(startedAtMs + 20 * minuteMs).toISOString();
  await board.open({ policy: [aStep({ unlessAssigned: true })] });
  await board.change({ silence: { by: { id: 'UANN', via: 'slack' }, at, until, reason: 'x' } });
  const auditor = open();
  await audit(auditor, 8);
  await board.change({ silence: null, assignee: { by: { id: 'UANN', via: 'slack' }, at } });
  await audit(auditor, 8);
  await board.change({ assignee: null }, 'resolved');
  await audit(auditor, 8);
  expect(auditor.overdue()).toEqual([]);
  expect(told).toEqual([]);
});

test('open incidents that no process handles are a complaint, and no lease is kept', async () => {
  await board.open({});
  const auditor = open();
  for (let round = 0; round < 6; round += 1) {
    await auditor.audit();
    board.clock.nowMs += 15_000;
  }
  expect(auditor.overdue()).toEqual([
    'No dbconn process handles open incidents (1). Restart dbconn and read its log.',
  ]);
  expect(await board.journal.takeLead({ id: 'another', forMs: 20_000 })).toBe(true);
  await auditor.audit();
  expect(auditor.overdue()).toEqual([]);
});

test('a channel that cannot be told is told later', async () => {
  await board.open({ policy: [aStep()] });
  let isAway = true;
  const announce: AuditorDeps['announcements']['announce'] = (one) =>
    isAway ? Promise.reject(new Error('Slack is away.')) : Promise.resolve(void told.push(one));
  const auditor = open({ announcements: { announce } });
  await audit(auditor, 6);
  expect(faults.length).toBeGreaterThan(0);
  isAway = false;
  await audit(auditor, 2);
  expect(told).toHaveLength(1);
});

test('a journal that cannot be read is a complaint of its own', async () => {
  const auditor = open();
  await board.journal.close();
  await auditor.audit();
  expect(auditor.overdue().join(' ')).toContain('Incidents cannot be read');
  expect(faults).toHaveLength(1);
});

test('an audit that hangs is a complaint, and is not begun twice', async () => {
  await board.open({});
  const released = Promise.withResolvers<void>();
  let reads = 0;
  const auditor = open({
    log: {
      ...reading(board),
      async listIncidents(query) {
        reads += 1;
        await released.promise;
        return board.journal.listIncidents(query);
      },
    },
  });
  const hanging = auditor.audit();
  await auditor.audit();
  expect(reads).toBe(1);
  expect(auditor.overdue()).toEqual([]);
  board.clock.nowMs += 2 * minuteMs;
  expect(auditor.overdue().join(' ')).toContain('cannot be verified');
  released.resolve();
  await hanging;
  expect(auditor.overdue()).toEqual([]);
});

function reading({ journal }: Switchboard): AuditorDeps['log'] {
  return {
    listIncidents: (query) => journal.listIncidents(query),
    readIncident: (id) => journal.readIncident(id),
    moveIncident: (from, to, entry) => journal.moveIncident(from, to, entry),
    readNotes: (id, after) => journal.readNotes(id, after),
    readRequestsSince: (query) => journal.readRequestsSince(query),
    takeLead: (holder) => journal.takeLead(holder),
    endLead: (holder) => journal.endLead(holder),
  };
}

test('the notes of an incident whose step stays overdue are read once, not at every round', async () => {
  await board.open({ policy: [aStep({ who: 'on-call' })] });
  let readings = 0;
  const { journal } = board;
  const log: AuditorDeps['log'] = {
    listIncidents: (query) => journal.listIncidents(query),
    readIncident: (id) => journal.readIncident(id),
    moveIncident: (...given) => journal.moveIncident(...given),
    readRequestsSince: (query) => journal.readRequestsSince(query),
    takeLead: (holder) => journal.takeLead(holder),
    endLead: (holder) => journal.endLead(holder),
    readNotes(id, afterSeq) {
      readings += 1;
      return journal.readNotes(id, afterSeq);
    },
  };
  await audit(open({ log }), 30);
  expect(told).toHaveLength(1);
  expect(readings).toBe(1);
});
