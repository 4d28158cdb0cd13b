import { expect, test } from 'vitest';
import type { Approvals } from '../../../src/runbook/approvals/approvals.ts';
import type { Actor, ApprovalRequest } from '../../../src/runbook/approvals/request.ts';
import { advance } from '../../../src/runbook/approvals/request.ts';
import type { Answer } from '../../../src/runbook/remedies/remedy.ts';
import { ann, bob, buildSession, cem, stranger } from './builders.ts';
import { useWorld } from './world.ts';

const world = useWorld();

const ask = { kind: 'idle-in-transaction', idleForMs: 600_000 } as const;
const terminal: Actor = { id: 'root', via: 'terminal' };

async function propose(approvals: Approvals, actor = ann): Promise<ApprovalRequest> {
  return valueOf(await approvals.propose({ target: 'shop', ask, actor }));
}

function valueOf<T>(answer: Answer<T>): T {
  if (!answer.ok) throw new Error(`${answer.refusal.kind}: ${answer.refusal.why}`);
  return answer.value;
}

function refusalOf(answer: Answer<unknown>): string {
  if (answer.ok) throw new Error('This should have been refused.');
  expect(answer.refusal.why).toMatch(/\.$/);
  expect(answer.refusal.next).toMatch(/\.$/);
  return answer.refusal.kind;
}

test('a proposal approved by a second person runs, and its outcome is what the looks saw', async () => {
  const approvals = await world.approvals();
  const { id } = await propose(approvals);
  expect(valueOf(await approvals.approve(id, bob))).toMatchObject({ state: 'approved' });
  const ended = valueOf(await approvals.settled(id));
  expect(ended).toMatchObject({
    state: 'done',
    votes: [{ by: bob }],
    execution: { left: 2, skipped: [], before: { used: 95 }, after: { used: 35 } },
    result: { report: { summary: '2 ended.' }, outcome: { word: 'fixed', later: { used: 35 } } },
  });
  expect(world.changes.map(({ state }) => state)).toEqual([
    'proposed',
    'approved',
    'executing',
    'executing',
    'executing',
    'executing',
    'verifying',
    'done',
  ]);
});

test('the journal holds every step in order, intent before deed, and verifies', async () => {
  const approvals = await world.approvals();
  const { id } = await propose(approvals);
  await approvals.approve(id, bob, 'they leak');
  await approvals.settled(id);
  const journal = await world.journal();
  const entries = await journal.entries(id);
  expect(entries.map(({ kind }) => kind)).toEqual([
    'proposed',
    'vote',
    'executing',
    'executing',
    'step-intended',
    'step-done',
    'verifying',
    ...Array.from({ length: 6 }, () => 'looked'),
    'done',
  ]);
  expect(entries[1]?.body).toContain('they leak');
  expect(await journal.verify()).toMatchObject({ ok: true });
});

test('nothing runs before it is approved, and nothing is proposed when nobody may approve', async () => {
  const approvals = await world.approvals();
  await propose(approvals);
  expect(world.remedy.runs).toBe(0);
  const closed = await world.approvals({ approvers: [] });
  expect(refusalOf(await closed.propose({ target: 'shop', ask, actor: ann }))).toBe('no-approvers');
  const readOnly = await world.approvals({}, { readOnly: true });
  expect(refusalOf(await readOnly.propose({ target: 'shop', ask, actor: ann }))).toBe('read-only');
});

test.for([
  ['somebody who is no approver', stranger, 'not-an-approver'],
  ['the proposer, although an approver', bob, 'own-proposal'],
  ['the terminal', terminal, 'no-vote-here'],
  ['an approver’s name at the terminal', { ...cem, via: 'terminal' }, 'no-vote-here'],
] as const)('the vote of %s does not count', async ([, actor, kind]) => {
  const approvals = await world.approvals();
  const { id } = await propose(approvals, bob);
  expect(refusalOf(await approvals.approve(id, actor))).toBe(kind);
  expect(valueOf(await approvals.get(id))).toMatchObject({ state: 'proposed', votes: [] });
  expect(world.remedy.runs).toBe(0);
});

test('with two votes needed one person counts once', async () => {
  const approvals = await world.approvals({ votes: 2 });
  const { id } = await propose(approvals);
  expect(valueOf(await approvals.approve(id, bob))).toMatchObject({ state: 'proposed' });
  expect(refusalOf(await approvals.approve(id, bob))).toBe('voted-already');
  expect(world.remedy.runs).toBe(0);
  await approvals.approve(id, cem);
  expect(valueOf(await approvals.settled(id))).toMatchObject({ state: 'done' });
});

test('two approvers in the same moment at two doors give one execution', async () => {
  for (let round = 0; round < 10; round += 1) {
    world.remedy.alive.add(101).add(102);
    const [left, right] = [await world.approvals(), await world.approvals()];
    const { id } = await propose(left);
    const answers = await Promise.all([left.approve(id, bob), right.approve(id, cem)]);
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
    await Promise.all([left.settled(id), right.settled(id)]);
    expect(world.remedy.runs).toBe(round + 1);
  }
});

test('two of two votes in the same moment are both counted, and run once', async () => {
  const [left, right] = [await world.approvals({ votes: 2 }), await world.approvals({ votes: 2 })];
  const { id } = await propose(left);
  await Promise.all([left.approve(id, bob), right.approve(id, cem)]);
  await Promise.all([left.settled(id), right.settled(id)]);
  expect(valueOf(await left.get(id))).toMatchObject({ state: 'done', votes: [{}, {}] });
  expect(world.remedy.runs).toBe(1);
});

test.for([
  ['a second before its expiry it can be approved', -1000, 'approved', 'done'],
  ['at its expiry it cannot', 0, 'expired', 'expired'],
  ['a second later it cannot', 1000, 'expired', 'expired'],
] as const)('%s', async ([, offsetMs, answered, ended]) => {
  const approvals = await world.approvals();
  const { id, expiresAt } = await propose(approvals);
  world.clock.nowMs = Date.parse(expiresAt) + offsetMs;
  const answer = await approvals.approve(id, bob);
  expect(answer.ok ? answer.value.state : answer.refusal.kind).toBe(answered);
  expect(valueOf(await approvals.settled(id)).state).toBe(ended);
});

test('the sweep expires what is overdue, and only that', async () => {
  const approvals = await world.approvals();
  const old = await propose(approvals);
  world.clock.nowMs += 10 * 60_000;
  const young = await propose(approvals);
  world.clock.nowMs += 6 * 60_000;
  expect(valueOf(await approvals.sweep()).map(({ id }) => id)).toEqual([old.id]);
  expect(valueOf(await approvals.list()).map(({ id }) => id)).toEqual([young.id]);
});

test('late, double and orphaned clicks are answered with what happened', async () => {
  const approvals = await world.approvals();
  const { id } = await propose(approvals);
  await approvals.approve(id, bob);
  await approvals.settled(id);
  expect(refusalOf(await approvals.approve(id, cem))).toBe('done');
  expect(refusalOf(await approvals.deny(id, cem))).toBe('done');
  expect(refusalOf(await approvals.withdraw(id, ann))).toBe('done');
  expect(refusalOf(await approvals.approve('0123456789ab', bob))).toBe('unknown-request');
  expect(world.remedy.runs).toBe(1);
});

test('an approver denies, the proposer withdraws, and nobody else does either', async () => {
  const approvals = await world.approvals();
  const [denied, withdrawn] = [await propose(approvals), await propose(approvals)];
  expect(refusalOf(await approvals.deny(denied.id, stranger))).toBe('not-an-approver');
  expect(refusalOf(await approvals.withdraw(withdrawn.id, bob))).toBe('not-the-proposer');
  expect(valueOf(await approvals.deny(denied.id, cem, 'too many'))).toMatchObject({
    state: 'denied',
    closing: { by: cem, reason: 'too many' },
  });
  expect(valueOf(await approvals.withdraw(withdrawn.id, ann))).toMatchObject({
    state: 'withdrawn',
  });
  expect(refusalOf(await approvals.approve(denied.id, bob))).toBe('denied');
  expect(refusalOf(await approvals.approve(withdrawn.id, bob))).toBe('withdrawn');
  expect(valueOf(await approvals.deny((await propose(approvals)).id, terminal)).state).toBe(
    'denied',
  );
});

test('a session that is gone is skipped and told, and the rest of the plan runs', async () => {
  const approvals = await world.approvals();
  const { id } = await propose(approvals);
  world.remedy.alive.delete(101);
  await approvals.approve(id, bob);
  expect(valueOf(await approvals.settled(id))).toMatchObject({
    state: 'done',
    execution: { left: 1, skipped: [{ reason: 'gone' }] },
  });
});

test('with fewer than half of the targets left it stops and asks again with a fresh plan', async () => {
  const approvals = await world.approvals({}, { leastShareLeft: 0.6 });
  const { id } = await propose(approvals);
  world.remedy.alive.delete(101);
  await approvals.approve(id, bob);
  expect(valueOf(await approvals.settled(id))).toMatchObject({ state: 'stale' });
  const [again] = valueOf(await approvals.list());
  expect(again).toMatchObject({ state: 'proposed', supersedes: id, proposedBy: ann, votes: [] });
  expect(again?.plan.targets).toEqual([buildSession(102)]);
  expect(world.remedy.runs).toBe(0);
});

test('a vote does not outlive the rules it was given under', async () => {
  const approvals = await world.approvals();
  const { id } = await propose(approvals);
  const stricter = await world.approvals({ votes: 2 });
  expect(refusalOf(await stricter.approve(id, bob))).toBe('stale');
  expect(valueOf(await approvals.get(id))).toMatchObject({ state: 'stale' });
});

test('a stored plan that was changed does not run', async () => {
  const approvals = await world.approvals();
  const request = await propose(approvals);
  const plan = { ...request.plan, targets: [...request.plan.targets, buildSession(103)] };
  const forged = { ...advance(request, 'proposed', {}), plan };
  const draft = { request: request.id, kind: 'forged', body: {} };
  await (await world.journal()).move(1, forged, draft);
  expect(refusalOf(await approvals.approve(request.id, bob))).toBe('tampered');
});

test('anybody stops all changes, only an approver lets them go', async () => {
  const approvals = await world.approvals();
  const { id } = await propose(approvals);
  valueOf(await approvals.stop(stranger, 'wrong database'));
  expect(refusalOf(await approvals.approve(id, bob))).toBe('stopped');
  expect(refusalOf(await approvals.go(stranger))).toBe('not-an-approver');
  expect(refusalOf(await approvals.go(terminal))).toBe('not-an-approver');
  valueOf(await approvals.go(cem));
  expect(valueOf(await approvals.stopped())).toBeNull();
  expect((await approvals.approve(id, bob)).ok).toBe(true);
  expect(valueOf(await approvals.settled(id)).state).toBe('done');
});

test('a remedy that runs sees a stop between two steps', async () => {
  const approvals = await world.approvals();
  const { id } = await propose(approvals);
  const seen: boolean[] = [];
  world.remedy.during = async (control) => {
    seen.push(await control.isStopped());
    await approvals.stop(stranger);
    seen.push(await control.isStopped());
  };
  await approvals.approve(id, bob);
  await approvals.settled(id);
  expect(seen).toEqual([false, true]);
});

test('while one change runs on a target another is not approved', async () => {
  const approvals = await world.approvals();
  const [first, second] = [await propose(approvals), await propose(approvals)];
  let answer: Answer<unknown> | undefined;
  world.remedy.during = async () => {
    answer = await approvals.approve(second.id, cem);
  };
  await approvals.approve(first.id, bob);
  await approvals.settled(first.id);
  expect(answer === undefined ? undefined : refusalOf(answer)).toBe('busy');
  expect(valueOf(await approvals.get(second.id))).toMatchObject({ state: 'proposed', votes: [] });
});

test('an option may ask for a reason, and keeps no secret somebody pastes into it', async () => {
  const approvals = await world.approvals({ reasonRequired: true });
  const { id } = await propose(approvals);
  expect(refusalOf(await approvals.approve(id, bob, '  '))).toBe('reason-missing');
  await approvals.approve(id, bob, 'see postgres://app:hunter2@db/shop');
  const text = JSON.stringify(valueOf(await approvals.settled(id)));
  expect(text).toContain('see ');
  expect(text).not.toContain('hunter2');
});

test('what the journal cannot record does not happen', async () => {
  const approvals = await world.approvals();
  const { id } = await propose(approvals);
  const journal = await world.journal();
  await journal.close();
  const broken = await world.approvals({}, {}, { journal });
  expect(refusalOf(await broken.approve(id, bob))).toBe('not-recorded');
  expect(refusalOf(await broken.propose({ target: 'shop', ask, actor: ann }))).toBe('not-recorded');
  expect(world.remedy.runs).toBe(0);
});
