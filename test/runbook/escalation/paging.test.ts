import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ApprovalRequest } from '../../../src/runbook/approvals/request.ts';
import { reopening } from '../../../src/runbook/incidents/triggers.ts';
import type { Item } from '../../../src/runbook/remedies/remedy.ts';
import type { Page, Pager } from '../../../src/runbook/escalation/ports.ts';
import { bob, buildPlan, buildRequest } from '../approvals/builders.ts';
import { until } from '../../support/until.ts';
import { Killed, killedAt } from './killed-at.ts';
import { aStep, minuteMs, openSwitchboard } from './switchboard.ts';
import type { Switchboard } from './switchboard.ts';

let board: Switchboard;
beforeEach(async () => {
  board = await openSwitchboard();
});
afterEach(() => board.close());

async function openPaged(): Promise<void> {
  await board.open({ policy: [aStep({ who: 'on-call' })] });
  await board.advance(board.escalator());
}

async function assign(): Promise<void> {
  board.clock.nowMs += minuteMs;
  const at = new Date(board.clock.now()).toISOString();
  await board.change({ assignee: { by: bob, at } });
}

function heard(): readonly string[] {
  return board.pagerDuty.pages.flatMap(({ heard }) => heard);
}

test('the page follows the incident: acknowledged, then resolved', async () => {
  await openPaged();
  await assign();
  expect(await board.rounds(board.escalator(), 3, minuteMs)).toMatchObject({
    pager: 'acknowledged',
  });
  await board.change({}, 'resolved');
  expect(await board.rounds(board.escalator(), 3, minuteMs)).toMatchObject({ pager: 'resolved' });
  expect(heard()).toEqual(['trigger', 'acknowledge', 'resolve']);
  const sentences = (await board.notes()).map(({ sentence }) => sentence);
  expect(sentences).toContain('Acknowledged in PagerDuty.');
  expect(sentences).toContain('Resolved in PagerDuty.');
});

test('an incident nobody was paged for tells the pager nothing', async () => {
  await board.open({});
  await assign();
  await board.advance(board.escalator());
  await board.change({}, 'resolved');
  await board.advance(board.escalator());
  expect(board.pagerDuty.calls).toEqual([]);
});

test('whoever is paged although somebody has it is not silenced by that', async () => {
  await board.open({ policy: [aStep({ who: 'on-call', afterMs: 10 * minuteMs })] });
  await assign();
  board.clock.nowMs += 20 * minuteMs;
  await board.rounds(board.escalator(), 3, minuteMs);
  expect(board.pagerDuty.pages).toMatchObject([{ state: 'triggered' }]);
});

test('an incident that became a part of another leaves no page open', async () => {
  await openPaged();
  await board.change({ mergedInto: 'inc-0other99' }, 'merged');
  await board.advance(board.escalator());
  expect(board.pagerDuty.pages).toMatchObject([{ state: 'resolved' }]);
});

test('a page of which nobody knows whether it went out is resolved with the incident', async () => {
  await board.open({ policy: [aStep({ who: 'on-call' })] });
  board.pagerDuty.misbehave({ status: 503, taken: true }, 99);
  await board.rounds(board.escalator(), 3, 20_000);
  board.pagerDuty.misbehave({ status: 202, taken: true }, 0);
  await board.change({}, 'resolved');
  const escalator = board.escalator();
  await until('the page is resolved', async () => {
    board.clock.nowMs += minuteMs;
    return (await board.advance(escalator)).pager === 'resolved';
  });
  expect(board.pagerDuty.pages).toMatchObject([{ state: 'resolved' }]);
});

test('a page that was cut off by a kill is resolved with an incident that ended meanwhile', async () => {
  await board.open({ policy: [aStep({ who: 'on-call' })] });
  const killed = board.escalator({ log: killedAt(board.journal, 2, 'before') });
  await expect(board.advance(killed)).rejects.toThrow(Killed);
  expect(board.pagerDuty.pages).toMatchObject([{ state: 'triggered' }]);
  await board.change({}, 'resolved');
  // By this whoever tends the incidents knows that something is left to do.
  expect(await board.read()).toMatchObject({ pager: 'triggered' });
  await board.advance(board.escalator());
  expect(board.pagerDuty.pages).toMatchObject([{ state: 'resolved' }]);
});

test('somebody who takes it while the page is still refused does not silence it', async () => {
  await board.open({ policy: [aStep({ who: 'on-call' })] });
  board.pagerDuty.misbehave({ status: 503, taken: true }, 20);
  const escalator = board.escalator();
  await board.advance(escalator);
  await assign();
  expect((await board.read()).escalations).toMatchObject([{ state: 'failed' }]);
  board.pagerDuty.misbehave({ status: 503 }, 20);
  await board.advance(escalator);
  expect(heard()).not.toContain('acknowledge');
});

test('a resolution the pager does not take is tried until it does', async () => {
  await openPaged();
  await board.change({}, 'resolved');
  board.pagerDuty.misbehave({ status: 500 }, 30);
  const escalator = board.escalator();
  expect(await board.advance(escalator)).toMatchObject({ pager: 'triggered' });
  expect(await board.rounds(escalator, 20, minuteMs)).toMatchObject({ pager: 'resolved' });
});

test('a page whose end never reached the pager ends with the incident’s next life', async () => {
  await openPaged();
  await board.change({}, 'resolved');
  board.pagerDuty.misbehave({ status: 500 }, 30);
  await board.advance(board.escalator());
  const at = new Date(board.clock.now()).toISOString();
  const trigger = { kind: 'watch', startsAt: at, endedAt: null } as const;
  await board.change(reopening(await board.read(), at, trigger), 'open');
  board.pagerDuty.misbehave({ status: 202, taken: true }, 0);
  await board.change({}, 'resolved');
  await board.rounds(board.escalator(), 3, minuteMs);
  expect(board.pagerDuty.pages).toMatchObject([{ state: 'resolved' }]);
});

test('a resolution that is refused for good is said once, for somebody to do it by hand', async () => {
  await openPaged();
  await board.change({}, 'resolved');
  board.pagerDuty.misbehave({ status: 400 }, 99);
  await board.rounds(board.escalator(), 5, minuteMs);
  await board.rounds(board.escalator(), 5, minuteMs);
  const told = (await board.notes()).filter(({ sentence }) => sentence?.includes('yourself'));
  expect(told).toHaveLength(1);
  expect(told[0]?.sentence).toContain('PagerDuty refused the request (400)');
});

function toResult(outcome: Item['outcome'], summary: string): ApprovalRequest['result'] {
  const items = [{ what: 'backend-1', outcome, detail: 'So it is.', lines: [] }];
  const endedAt = '2026-11-23T03:10:00.000Z';
  return { report: { items, summary, finished: true }, outcome: null, endedAt };
}

function ended(change: Partial<ApprovalRequest> = {}): Promise<ApprovalRequest> {
  const plan = buildPlan({ title: 'Restart backend' });
  const result = toResult('restarted', '1 restarted.');
  return buildRequest({ state: 'done', plan, result, ...change });
}

test('a request that changed something is told once, also after a restart', async () => {
  await board.open({});
  const requests = [await ended()];
  const escalator = board.escalator();
  await board.advance(escalator, { requests });
  await board.advance(escalator, { requests });
  await board.advance(board.escalator(), { requests });
  await until('the change is told', () => Promise.resolve(board.pagerDuty.changes.length > 0));
  await board.advance(board.escalator(), { requests });
  expect(board.pagerDuty.changes).toEqual(['Restart backend: 1 restarted.']);
});

test('a request that changed nothing, or took its change back, is no change', async () => {
  await board.open({});
  const requests = [
    await ended({ id: 'r1', result: toResult('put back', 'Nothing.') }),
    await ended({ id: 'r2', result: toResult('moved on', 'Nothing.') }),
    await ended({ id: 'r3', result: null, state: 'denied' }),
  ];
  await board.advance(board.escalator(), { requests });
  expect((await board.notes()).map(({ kind }) => kind)).toEqual(['incident-opened']);
});

test('a pager that takes its time holds nobody up, and is not called twice meanwhile', async () => {
  await board.open({ policy: [aStep({ who: 'on-call' })] });
  const pages: Page[] = [];
  const answered = Promise.withResolvers<void>();
  const slow: Pager = {
    name: 'PagerDuty',
    page(page) {
      pages.push(page);
      return answered.promise;
    },
    tellChange: () => Promise.resolve(),
  };
  board.clock.stands = false;
  const escalator = board.escalator({ pagerOf: () => slow });
  await until('the pager is called', async () => {
    await board.advance(escalator);
    return pages.length > 0;
  });
  expect(await board.rounds(escalator, 5, minuteMs)).toMatchObject({
    escalations: [{ state: 'sending' }],
  });
  answered.resolve();
  await until('it is written down', async () => {
    const [escalation] = (await board.read()).escalations;
    return escalation?.state === 'sent';
  });
  expect(pages).toHaveLength(1);
  expect(board.faults).toEqual([]);
});
