import { afterEach, beforeEach, expect, test } from 'vitest';
import { execute } from '../../../src/runbook/approval/execute.ts';
import { defaultPolicy } from '../../../src/runbook/approval/policy.ts';
import { advance } from '../../../src/runbook/approval/request.ts';
import { aReading, aSnapshot } from '../diagnose/builders.ts';
import type { Door } from '../../../src/runbook/approval/door.ts';
import type { Request } from '../../../src/runbook/approval/request.ts';
import type { Ask } from '../../../src/runbook/remedies/ask.ts';
import { done } from '../../../src/runbook/remedies/remedy.ts';
import { optionPolicy } from '../../support/option-policy.ts';
import { refusalOf, valueOf } from './answers.ts';
import { ann, bob, buildPlan, buildSession, cem } from './builders.ts';
import { createWorld } from './world.ts';
import type { World } from './world.ts';
import { heldLease } from '../../support/held-lease.ts';

let world: World;
beforeEach(() => {
  world = createWorld();
  // Each ask gets a plan of its own, with the same two sessions, which come back every time.
  world.remedy.propose = (given?: Ask) => {
    const plan = buildPlan({ ...(given !== undefined && { ask: given }), undoAsk: idle('undo') });
    const { policyVersion: _version, plannedAt: _at, ...draft } = plan;
    return Promise.resolve(done({ ...draft, targets: [buildSession(101), buildSession(102)] }));
  };
});
afterEach(() => {
  world.close();
  if (world.faults.length > 0) throw new AggregateError(world.faults, 'An execution broke.');
});

const cooldownMs = 120_000;
const idle = (application: string, idleForMs = 60_000): Ask => ({
  kind: 'idle',
  application,
  idleForMs,
});

async function propose(door: Door, ask: Ask): Promise<Request> {
  return valueOf(await door.propose({ target: 'shop', ask, actor: ann }));
}

/** Proposes it, approves it and waits for its end. */
async function run(door: Door, ask: Ask): Promise<Request> {
  world.remedy.alive.add(101).add(102);
  const { id } = await propose(door, ask);
  valueOf(await door.approve(id, bob));
  const ended = valueOf(await door.settled(id));
  expect(ended.state).toBe('done');
  return ended;
}

function endOf({ result }: Request): number {
  return Date.parse(result?.endedAt ?? '');
}

test('the same is not done again before what it did could show, on any replica', async () => {
  const [left, right] = [await world.door({ cooldownMs }), await world.door({ cooldownMs })];
  const endedAtMs = endOf(await run(left, idle('backend')));
  world.remedy.alive.add(101).add(102);
  const { id } = await propose(right, idle('backend', 5000));
  world.clock.nowMs = endedAtMs + cooldownMs - 1;
  const { kind, next } = refusalOf(await right.approve(id, bob));
  expect(kind).toBe('cooling-down');
  expect(next).toBe('Approve it in 1 second; your vote was not counted yet.');
  expect(valueOf(await right.get(id))).toMatchObject({ state: 'proposed', votes: [] });
  world.clock.nowMs = endedAtMs + cooldownMs;
  expect(valueOf(await right.approve(id, bob)).state).toBe('approved');
  await right.settled(id);
  expect(world.remedy.runs).toBe(2);
});

test('a request that was approved while the same ran does not begin after it', async () => {
  const door = await world.door({ cooldownMs });
  const waiting = await propose(door, idle('backend'));
  await run(door, idle('backend'));
  world.remedy.alive.add(101).add(102);
  // As two votes in the same moment leave it: this one was counted before the other request began.
  const approved = advance(waiting, 'approved', { votes: [{ by: cem, at: '', reason: null }] });
  const journal = await world.journal();
  await journal.move(1, approved, { request: approved.id, kind: 'vote', body: {} });
  const ended = await execute(approved, {
    journal,
    lease: heldLease,
    remedy: world.remedy,
    look: () => Promise.resolve(aSnapshot({ reading: aReading() })),
    clock: world.clock,
    people: world.people,
    policy: { ...defaultPolicy, options: { A: { ...optionPolicy, cooldownMs } } },
    warningUtilisation: 0.8,
    verifyAfterMs: 0,
    notify: () => undefined,
    onFault: () => undefined,
    signal: new AbortController().signal,
  });
  expect(ended).toMatchObject({ state: 'failed', result: null });
  expect(ended.closing?.sentence).toContain('only just now');
  expect(world.remedy.runs).toBe(1);
});

test('another application, and another kind of session, does not wait', async () => {
  const door = await world.door({ cooldownMs });
  await run(door, idle('backend'));
  await run(door, idle('worker'));
  await run(door, { kind: 'idle-in-transaction', idleForMs: 1000 });
  expect(world.remedy.runs).toBe(3);
});

test('without a cooldown nothing waits', async () => {
  const door = await world.door({ cooldownMs: 0 });
  await run(door, idle('backend'));
  await run(door, idle('backend'));
  expect(world.remedy.runs).toBe(2);
});

test('what was approved and then did nothing starts no cooldown', async () => {
  const door = await world.door({ cooldownMs });
  const { id } = await propose(door, idle('backend'));
  world.remedy.alive.clear();
  valueOf(await door.approve(id, bob));
  expect(valueOf(await door.settled(id)).state).toBe('stale');
  await run(door, idle('backend'));
});

test('taking a change back does not wait, nor does asking for it again', async () => {
  const door = await world.door({ cooldownMs: 600_000 });
  await run(door, idle('undo'));
  const { id } = await run(door, idle('backend'));
  world.remedy.alive.add(101).add(102);
  const undo = valueOf(await door.undo(id, cem));
  expect(undo).toMatchObject({ supersedes: id, undoes: id, ask: idle('undo') });
  const again = valueOf(
    await door.propose({ target: 'shop', ask: undo.ask, actor: ann, supersedes: undo.id }),
  );
  expect(again).toMatchObject({ supersedes: undo.id, undoes: id });
  const plain = await propose(door, undo.ask);
  expect(refusalOf(await door.approve(plain.id, bob)).kind).toBe('cooling-down');
  expect(valueOf(await door.approve(again.id, bob)).state).toBe('approved');
  await door.settled(again.id);
});

test('an undo is a proposal like any other: with votes, and not by who asked for it', async () => {
  const door = await world.door();
  const { id } = await run(door, idle('backend'));
  const undo = valueOf(await door.undo(id, bob));
  expect(undo).toMatchObject({ state: 'proposed', votes: [], proposedBy: bob });
  expect(refusalOf(await door.approve(undo.id, bob)).kind).toBe('own-proposal');
});

test('what has changed nothing, or cannot be undone, is not undone', async () => {
  const door = await world.door();
  const { id } = await propose(door, idle('backend'));
  expect(refusalOf(await door.undo(id, ann)).kind).toBe('not-done');
  expect(refusalOf(await door.undo('0123456789ab', ann)).kind).toBe('unknown-request');
  world.remedy.propose = () => {
    const { policyVersion: _version, plannedAt: _at, ...draft } = buildPlan();
    return Promise.resolve(done(draft));
  };
  const { id: final } = await run(door, { kind: 'idle-in-transaction', idleForMs: 1000 });
  const { kind, why } = refusalOf(await door.undo(final, ann));
  expect(kind).toBe('no-undo');
  expect(why).toContain('None.');
});
