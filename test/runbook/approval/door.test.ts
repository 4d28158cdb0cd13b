import { allMembers } from '../../support/people.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createDoor } from '../../../src/runbook/approval/door.ts';
import type { Door } from '../../../src/runbook/approval/door.ts';
import { defaultPolicy } from '../../../src/runbook/approval/policy.ts';
import type { Actor } from '../../../src/runbook/approval/actor.ts';
import type { Request } from '../../../src/runbook/approval/request.ts';
import { advance } from '../../../src/runbook/approval/request.ts';
import type { Answer } from '../../../src/runbook/remedies/remedy.ts';
import { optionPolicy } from '../../support/option-policy.ts';
import { ann, bob, buildSession, cem, stranger } from './builders.ts';
import { createWorld } from './world.ts';
import type { World } from './world.ts';

let world: World;
beforeEach(() => {
  world = createWorld();
});
afterEach(() => {
  world.close();
  if (world.faults.length > 0) throw new AggregateError(world.faults, 'An execution broke.');
});

const ask = { kind: 'idle-in-transaction', idleForMs: 600_000 } as const;
const terminal: Actor = { id: 'root', via: 'terminal' };

async function propose(door: Door, actor = ann): Promise<Request> {
  return valueOf(await door.propose({ target: 'shop', ask, actor }));
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
  const door = await world.door();
  const { id } = await propose(door);
  expect(valueOf(await door.approve(id, bob))).toMatchObject({ state: 'approved' });
  const ended = valueOf(await door.settled(id));
  expect(ended).toMatchObject({
    state: 'done',
    votes: [{ by: bob }],
    execution: { left: 2, spared: [], before: { used: 95 }, after: { used: 35 } },
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
  const door = await world.door();
  const { id } = await propose(door);
  await door.approve(id, bob, 'they leak');
  await door.settled(id);
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
  const door = await world.door();
  await propose(door);
  expect(world.remedy.runs).toBe(0);
  const closed = await world.door({ approvers: [] });
  expect(refusalOf(await closed.propose({ target: 'shop', ask, actor: ann }))).toBe('no-approvers');
  const readOnly = await world.door({}, { readOnly: true });
  expect(refusalOf(await readOnly.propose({ target: 'shop', ask, actor: ann }))).toBe('read-only');
});

test.for([
  ['somebody who is no approver', stranger, 'not-an-approver'],
  ['the proposer, although an approver', bob, 'own-proposal'],
  ['the terminal', terminal, 'no-vote-here'],
  ['an approver’s name at the terminal', { ...cem, via: 'terminal' }, 'no-vote-here'],
] as const)('the vote of %s does not count', async ([, actor, kind]) => {
  const door = await world.door();
  const { id } = await propose(door, bob);
  expect(refusalOf(await door.approve(id, actor))).toBe(kind);
  expect(valueOf(await door.get(id))).toMatchObject({ state: 'proposed', votes: [] });
  expect(world.remedy.runs).toBe(0);
});

test('with two votes needed one person counts once', async () => {
  const door = await world.door({ votes: 2 });
  const { id } = await propose(door);
  expect(valueOf(await door.approve(id, bob))).toMatchObject({ state: 'proposed' });
  expect(refusalOf(await door.approve(id, bob))).toBe('voted-already');
  expect(world.remedy.runs).toBe(0);
  await door.approve(id, cem);
  expect(valueOf(await door.settled(id))).toMatchObject({ state: 'done' });
});

test('two approvers in the same moment at two doors give one execution', async () => {
  for (let round = 0; round < 10; round += 1) {
    world.remedy.alive.add(101).add(102);
    const [left, right] = [await world.door(), await world.door()];
    const { id } = await propose(left);
    const answers = await Promise.all([left.approve(id, bob), right.approve(id, cem)]);
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
    await Promise.all([left.settled(id), right.settled(id)]);
    expect(world.remedy.runs).toBe(round + 1);
  }
});

test('two of two votes in the same moment are both counted, and run once', async () => {
  const [left, right] = [await world.door({ votes: 2 }), await world.door({ votes: 2 })];
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
  const door = await world.door();
  const { id, expiresAt } = await propose(door);
  world.clock.nowMs = Date.parse(expiresAt) + offsetMs;
  const answer = await door.approve(id, bob);
  expect(answer.ok ? answer.value.state : answer.refusal.kind).toBe(answered);
  expect(valueOf(await door.settled(id)).state).toBe(ended);
});

test('the sweep expires what is overdue, and only that', async () => {
  const door = await world.door();
  const old = await propose(door);
  world.clock.nowMs += 10 * 60_000;
  const young = await propose(door);
  world.clock.nowMs += 6 * 60_000;
  expect(valueOf(await door.sweep()).map(({ id }) => id)).toEqual([old.id]);
  expect(valueOf(await door.list()).map(({ id }) => id)).toEqual([young.id]);
});

test('late, double and orphaned clicks are answered with what happened', async () => {
  const door = await world.door();
  const { id } = await propose(door);
  await door.approve(id, bob);
  await door.settled(id);
  expect(refusalOf(await door.approve(id, cem))).toBe('done');
  expect(refusalOf(await door.deny(id, cem))).toBe('done');
  expect(refusalOf(await door.withdraw(id, ann))).toBe('done');
  expect(refusalOf(await door.approve('0123456789ab', bob))).toBe('unknown-request');
  expect(world.remedy.runs).toBe(1);
});

test('an approver denies, the proposer withdraws, and nobody else does either', async () => {
  const door = await world.door();
  const [denied, withdrawn] = [await propose(door), await propose(door)];
  expect(refusalOf(await door.deny(denied.id, stranger))).toBe('not-an-approver');
  expect(refusalOf(await door.withdraw(withdrawn.id, bob))).toBe('not-the-proposer');
  expect(valueOf(await door.deny(denied.id, cem, 'too many'))).toMatchObject({
    state: 'denied',
    closing: { by: cem, reason: 'too many' },
  });
  expect(valueOf(await door.withdraw(withdrawn.id, ann))).toMatchObject({ state: 'withdrawn' });
  expect(refusalOf(await door.approve(denied.id, bob))).toBe('denied');
  expect(refusalOf(await door.approve(withdrawn.id, bob))).toBe('withdrawn');
  expect(valueOf(await door.deny((await propose(door)).id, terminal)).state).toBe('denied');
});

test('a session that is gone is spared and told, and the rest of the plan runs', async () => {
  const door = await world.door();
  const { id } = await propose(door);
  world.remedy.alive.delete(101);
  await door.approve(id, bob);
  expect(valueOf(await door.settled(id))).toMatchObject({
    state: 'done',
    execution: { left: 1, spared: [{ reason: 'gone' }] },
  });
});

test('with fewer than half of the targets left it stops and asks again with a fresh plan', async () => {
  const door = await world.door({}, { leastShareLeft: 0.6 });
  const { id } = await propose(door);
  world.remedy.alive.delete(101);
  await door.approve(id, bob);
  expect(valueOf(await door.settled(id))).toMatchObject({ state: 'stale' });
  const [again] = valueOf(await door.list());
  expect(again).toMatchObject({ state: 'proposed', supersedes: id, proposedBy: ann, votes: [] });
  expect(again?.plan.targets).toEqual([buildSession(102)]);
  expect(world.remedy.runs).toBe(0);
});

test('a vote does not outlive the rules it was given under', async () => {
  const door = await world.door();
  const { id } = await propose(door);
  const stricter = await world.door({ votes: 2 });
  expect(refusalOf(await stricter.approve(id, bob))).toBe('stale');
  expect(valueOf(await door.get(id))).toMatchObject({ state: 'stale' });
});

test('a stored plan that was changed does not run', async () => {
  const door = await world.door();
  const request = await propose(door);
  const plan = { ...request.plan, targets: [...request.plan.targets, buildSession(103)] };
  const forged = { ...advance(request, 'proposed', {}), plan };
  const draft = { request: request.id, kind: 'forged', body: {} };
  await (await world.journal()).move(1, forged, draft);
  expect(refusalOf(await door.approve(request.id, bob))).toBe('tampered');
});

test('anybody stops all changes, only an approver lets them go', async () => {
  const door = await world.door();
  const { id } = await propose(door);
  valueOf(await door.stop(stranger, 'wrong database'));
  expect(refusalOf(await door.approve(id, bob))).toBe('stopped');
  expect(refusalOf(await door.go(stranger))).toBe('not-an-approver');
  expect(refusalOf(await door.go(terminal))).toBe('not-an-approver');
  valueOf(await door.go(cem));
  expect(valueOf(await door.stopped())).toBeNull();
  expect((await door.approve(id, bob)).ok).toBe(true);
  expect(valueOf(await door.settled(id)).state).toBe('done');
});

test('a remedy that runs sees a stop between two steps', async () => {
  const door = await world.door();
  const { id } = await propose(door);
  const seen: boolean[] = [];
  world.remedy.during = async (control) => {
    seen.push(await control.isStopped());
    await door.stop(stranger);
    seen.push(await control.isStopped());
  };
  await door.approve(id, bob);
  await door.settled(id);
  expect(seen).toEqual([false, true]);
});

test('while one change runs on a target another is not approved', async () => {
  const door = await world.door();
  const [first, second] = [await propose(door), await propose(door)];
  let answer: Answer<unknown> | undefined;
  world.remedy.during = async () => {
    answer = await door.approve(second.id, cem);
  };
  await door.approve(first.id, bob);
  await door.settled(first.id);
  expect(answer === undefined ? undefined : refusalOf(answer)).toBe('busy');
  expect(valueOf(await door.get(second.id))).toMatchObject({ state: 'proposed', votes: [] });
});

test('an option may ask for a reason, and keeps no secret somebody pastes into it', async () => {
  const door = await world.door({ reasonRequired: true });
  const { id } = await propose(door);
  expect(refusalOf(await door.approve(id, bob, '  '))).toBe('reason-missing');
  await door.approve(id, bob, 'see postgres://app:hunter2@db/shop');
  const text = JSON.stringify(valueOf(await door.settled(id)));
  expect(text).toContain('see ');
  expect(text).not.toContain('hunter2');
});

test('what the journal cannot record does not happen', async () => {
  const door = await world.door();
  const { id } = await propose(door);
  const journal = await world.journal();
  journal.close();
  const broken = brokenDoor(journal);
  expect(refusalOf(await broken.approve(id, bob))).toBe('not-recorded');
  expect(refusalOf(await broken.propose({ target: 'shop', ask, actor: ann }))).toBe('not-recorded');
  expect(world.remedy.runs).toBe(0);
});

function brokenDoor(journal: Awaited<ReturnType<World['journal']>>): Door {
  const look = () => Promise.reject(new Error('not reached'));
  return createDoor({
    people: allMembers,
    journal,
    patients: [{ name: 'shop', remedies: [world.remedy], look, warningUtilisation: 0.8 }],
    policy: {
      ...defaultPolicy,
      options: { A: { ...optionPolicy, approvers: [bob.id, cem.id] } },
    },
    clock: world.clock,
    verifyAfterMs: 0,
    onChange: () => undefined,
    onFault: () => undefined,
  });
}
