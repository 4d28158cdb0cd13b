import { beforeEach, expect, test } from 'vitest';
import { execute } from '../../../src/runbook/approvals/execute.ts';
import { defaultPolicy } from '../../../src/runbook/approvals/policy.ts';
import { advance } from '../../../src/runbook/approvals/request.ts';
import { aReading, aSnapshot } from '../diagnose/builders.ts';
import type { Approvals } from '../../../src/runbook/approvals/approvals.ts';
import type { ApprovalRequest } from '../../../src/runbook/approvals/request.ts';
import type { RemedyRequest } from '../../../src/runbook/remedies/remedy-request.ts';
import { done } from '../../../src/runbook/remedies/remedy.ts';
import { optionPolicy } from '../../support/option-policy.ts';
import { refusalOf, valueOf } from './answers.ts';
import { ann, bob, buildPlan, buildSession, cem } from './builders.ts';
import { useWorld } from './world.ts';
import { heldLease } from '../../support/held-lease.ts';

const world = useWorld();
beforeEach(() => {
  // Each ask gets a plan of its own, with the same two sessions, which come back every time.
  world.remedy.propose = (given?: RemedyRequest) => {
    const plan = buildPlan({ ...(given !== undefined && { ask: given }), undoAsk: idle('undo') });
    const { policyVersion: _version, plannedAt: _at, ...draft } = plan;
    return Promise.resolve(done({ ...draft, targets: [buildSession(101), buildSession(102)] }));
  };
});

const cooldownMs = 120_000;
const idle = (application: string, idleForMs = 60_000): RemedyRequest => ({
  kind: 'idle',
  application,
  idleForMs,
});

async function propose(approvals: Approvals, ask: RemedyRequest): Promise<ApprovalRequest> {
  return valueOf(await approvals.propose({ target: 'shop', ask, actor: ann }));
}

/** Proposes it, approves it and waits for its end. */
async function run(approvals: Approvals, ask: RemedyRequest): Promise<ApprovalRequest> {
  world.remedy.alive.add(101).add(102);
  const { id } = await propose(approvals, ask);
  valueOf(await approvals.approve(id, bob));
  const ended = valueOf(await approvals.settled(id));
  expect(ended.state).toBe('done');
  return ended;
}

function endOf({ result }: ApprovalRequest): number {
  return Date.parse(result?.endedAt ?? '');
}

test('the same is not done again before what it did could show, on any replica', async () => {
  const [left, right] = [
    await world.approvals({ cooldownMs }),
    await world.approvals({ cooldownMs }),
  ];
  const endedAtMs = endOf(await run(left, idle('backend')));
  world.remedy.alive.add(101).add(102);
  const { id } = await propose(right, idle('backend', 5000));
  world.clock.nowMs = endedAtMs + cooldownMs - 1;
  const { kind, next } = refusalOf(await right.approve(id, bob));
  expect(kind).toBe('cooling-down');
  expect(next).toBe('Approve again in 1 second. Your approval was not counted.');
  expect(valueOf(await right.get(id))).toMatchObject({ state: 'proposed', votes: [] });
  world.clock.nowMs = endedAtMs + cooldownMs;
  expect(valueOf(await right.approve(id, bob)).state).toBe('approved');
  await right.settled(id);
  expect(world.remedy.runs).toBe(2);
});

test('a request that was approved while the same ran does not begin after it', async () => {
  const approvals = await world.approvals({ cooldownMs });
  const waiting = await propose(approvals, idle('backend'));
  await run(approvals, idle('backend'));
  world.remedy.alive.add(101).add(102);
  // As two votes in the same moment leave it: this one was counted before the other request began.
  const approved = advance(waiting, 'approved', { votes: [{ by: cem, at: '', reason: null }] });
  const journal = await world.journal();
  await journal.move(1, approved, { request: approved.id, kind: 'vote', body: {} });
  const ended = await execute(approved, {
    journal,
    lease: heldLease,
    remedy: world.remedy,
    takeSnapshot: () => Promise.resolve(aSnapshot({ reading: aReading() })),
    clock: world.clock,
    people: world.people,
    policy: { ...defaultPolicy, options: { A: { ...optionPolicy, cooldownMs } } },
    warningUtilisation: 0.8,
    verifyAfterMs: 0,
    onChange: () => undefined,
    onFault: () => undefined,
    signal: new AbortController().signal,
  });
  expect(ended).toMatchObject({ state: 'failed', result: null });
  expect(ended.closing?.sentence).toContain('just ran here');
  expect(world.remedy.runs).toBe(1);
});

test('another application, and another kind of session, does not wait', async () => {
  const approvals = await world.approvals({ cooldownMs });
  await run(approvals, idle('backend'));
  await run(approvals, idle('worker'));
  await run(approvals, { kind: 'idle-in-transaction', idleForMs: 1000 });
  expect(world.remedy.runs).toBe(3);
});

test('without a cooldown nothing waits', async () => {
  const approvals = await world.approvals({ cooldownMs: 0 });
  await run(approvals, idle('backend'));
  await run(approvals, idle('backend'));
  expect(world.remedy.runs).toBe(2);
});

test('what was approved and then did nothing starts no cooldown', async () => {
  const approvals = await world.approvals({ cooldownMs });
  const { id } = await propose(approvals, idle('backend'));
  world.remedy.alive.clear();
  valueOf(await approvals.approve(id, bob));
  expect(valueOf(await approvals.settled(id)).state).toBe('stale');
  await run(approvals, idle('backend'));
});

test('taking a change back does not wait, nor does asking for it again', async () => {
  const approvals = await world.approvals({ cooldownMs: 600_000 });
  await run(approvals, idle('undo'));
  const { id } = await run(approvals, idle('backend'));
  world.remedy.alive.add(101).add(102);
  const undo = valueOf(await approvals.undo(id, cem));
  expect(undo).toMatchObject({ supersedes: id, undoes: id, ask: idle('undo') });
  const again = valueOf(
    await approvals.propose({ target: 'shop', ask: undo.ask, actor: ann, supersedes: undo.id }),
  );
  expect(again).toMatchObject({ supersedes: undo.id, undoes: id });
  const plain = await propose(approvals, undo.ask);
  expect(refusalOf(await approvals.approve(plain.id, bob)).kind).toBe('cooling-down');
  expect(valueOf(await approvals.approve(again.id, bob)).state).toBe('approved');
  await approvals.settled(again.id);
});

test('an undo is a proposal like any other: with votes, and not by who asked for it', async () => {
  const approvals = await world.approvals();
  const { id } = await run(approvals, idle('backend'));
  const undo = valueOf(await approvals.undo(id, bob));
  expect(undo).toMatchObject({ state: 'proposed', votes: [], proposedBy: bob });
  expect(refusalOf(await approvals.approve(undo.id, bob)).kind).toBe('own-proposal');
});

test('what has changed nothing, or cannot be undone, is not undone', async () => {
  const approvals = await world.approvals();
  const { id } = await propose(approvals, idle('backend'));
  expect(refusalOf(await approvals.undo(id, ann)).kind).toBe('not-done');
  expect(refusalOf(await approvals.undo('0123456789ab', ann)).kind).toBe('unknown-request');
  world.remedy.propose = () => {
    const { policyVersion: _version, plannedAt: _at, ...draft } = buildPlan();
    return Promise.resolve(done(draft));
  };
  const { id: final } = await run(approvals, { kind: 'idle-in-transaction', idleForMs: 1000 });
  const { kind, why } = refusalOf(await approvals.undo(final, ann));
  expect(kind).toBe('no-undo');
  expect(why).toContain('None.');
});
