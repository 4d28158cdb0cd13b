import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Approvals } from '../../../src/runbook/approvals/approvals.ts';
import type { ApprovalRequest } from '../../../src/runbook/approvals/request.ts';
import { advance } from '../../../src/runbook/approvals/request.ts';
import { JournalUnavailable } from '../../../src/runbook/approvals/journal.ts';
import { PrivilegedUnavailable } from '../../../src/runbook/remedies/remedy.ts';
import type { Answer } from '../../../src/runbook/remedies/remedy.ts';
import { ann, bob } from './builders.ts';
import { createWorld, ScriptedRemedy } from './world.ts';
import type { World } from './world.ts';

let world: World;
beforeEach(() => {
  world = createWorld();
});
afterEach(() => world.close());

const leaseMs = 20_000;
const ask = { kind: 'idle-in-transaction', idleForMs: 600_000 } as const;

function valueOf<T>(answer: Answer<T>): T {
  if (!answer.ok) throw new Error(answer.refusal.why);
  return answer.value;
}

/** A request in a door whose process will be thought dead once the remedy has come to its first step. */
async function dieInTheMiddle(): Promise<ApprovalRequest> {
  const approvals = await world.approvals();
  const request = valueOf(await approvals.propose({ target: 'shop', ask, actor: ann }));
  const begun = new Promise<void>((resolve) => {
    world.remedy.during = () => {
      world.remedy.alive.delete(101);
      resolve();
      return new Promise(() => undefined);
    };
  });
  valueOf(await approvals.approve(request.id, bob));
  await begun;
  return request;
}

/** As another process finds it, once the lease of the one that died has run out. */
async function takeOver(approvals?: Approvals): Promise<ApprovalRequest> {
  world.clock.nowMs += leaseMs;
  const next = approvals ?? (await world.approvals());
  const [found] = valueOf(await next.takeOver());
  if (found === undefined) throw new Error('There was nothing to take over.');
  return valueOf(await next.settled(found.id));
}

test('after a crash in the middle a request ends as unknown, with what a look found, and runs no second time', async () => {
  const { id } = await dieInTheMiddle();
  const ended = await takeOver();
  expect(ended).toMatchObject({
    id,
    state: 'done',
    result: {
      report: { summary: '1 still there.', finished: false },
      outcome: { word: 'unknown', later: { used: 95 } },
    },
  });
  expect(world.remedy.runs).toBe(1);
});

test('after a crash the target is free again once it was resumed', async () => {
  await dieInTheMiddle();
  world.remedy.during = () => Promise.resolve();
  const approvals = await world.approvals();
  await takeOver(approvals);
  const next = valueOf(await approvals.propose({ target: 'shop', ask, actor: ann }));
  valueOf(await approvals.approve(next.id, bob));
  expect(valueOf(await approvals.settled(next.id)).state).toBe('done');
});

test('an approval whose change never began is not made up for later', async () => {
  const approvals = await world.approvals();
  const request = valueOf(await approvals.propose({ target: 'shop', ask, actor: ann }));
  const votes = [{ by: bob, at: '', reason: null }];
  const approved = advance(request, 'approved', { votes });
  const journal = await world.journal();
  await journal.move(1, approved, { request: request.id, kind: 'vote', body: {} });
  const ended = await takeOver(approvals);
  expect(ended).toMatchObject({ state: 'failed', result: null });
  expect(world.remedy.runs).toBe(0);
});

test('a change that ended before the crash still gets its outcome', async () => {
  const approvals = await world.approvals();
  const { id } = valueOf(await approvals.propose({ target: 'shop', ask, actor: ann }));
  world.clock.stands = true;
  const verifying = new Promise<void>((resolve) => {
    const push = world.changes.push.bind(world.changes);
    world.changes.push = (...changes) => {
      if (changes.some(({ state }) => state === 'verifying')) resolve();
      return push(...changes);
    };
  });
  await approvals.approve(id, bob);
  await verifying;
  await approvals.drain();
  world.clock.stands = false;
  const ended = await takeOver();
  expect(ended).toMatchObject({ state: 'done', result: { outcome: { word: 'fixed' } } });
});

test('a request waiting for votes is as it was after a restart', async () => {
  const { id } = valueOf(
    await (await world.approvals()).propose({ target: 'shop', ask, actor: ann }),
  );
  const approvals = await world.approvals();
  expect(valueOf(await approvals.takeOver())).toEqual([]);
  valueOf(await approvals.approve(id, bob));
  expect(valueOf(await approvals.settled(id)).state).toBe('done');
});

test('a connection lost in the middle is told together with what became of the targets', async () => {
  const approvals = await world.approvals();
  const { id } = valueOf(await approvals.propose({ target: 'shop', ask, actor: ann }));
  world.remedy.during = () => {
    world.remedy.alive.delete(101);
    return Promise.reject(new PrivilegedUnavailable('The connection was lost.'));
  };
  await approvals.approve(id, bob);
  expect(valueOf(await approvals.settled(id))).toMatchObject({
    state: 'done',
    result: { report: { summary: 'It was interrupted. The connection was lost. 1 still there.' } },
  });
  expect(world.faults).toEqual([]);
});

describe('what became of the targets of a lost connection', () => {
  async function breakOff(refusals: number): Promise<ApprovalRequest> {
    const approvals = await world.approvals();
    const { id } = valueOf(await approvals.propose({ target: 'shop', ask, actor: ann }));
    const lost = new PrivilegedUnavailable('The connection was lost.');
    world.remedy.during = () => Promise.reject(lost);
    const remembered = new ScriptedRemedy();
    let left = refusals;
    world.remedy.recover = () => {
      left -= 1;
      return left >= 0 ? Promise.reject(lost) : remembered.recover();
    };
    await approvals.approve(id, bob);
    return valueOf(await approvals.settled(id));
  }

  test('is looked at again while the server is out of reach', async () => {
    const { result } = await breakOff(4);
    expect(result?.report.summary).toContain('2 still there.');
  });

  test('is said to be unknown of every one, after five minutes', async () => {
    const { result } = await breakOff(Number.POSITIVE_INFINITY);
    expect(result?.report).toMatchObject({ finished: false });
    expect(result?.report.items.map(({ what, outcome }) => `${what}: ${outcome}`)).toEqual([
      'pid 101: unknown',
      'pid 102: unknown',
    ]);
  });
});

test('a fault of dbconn itself in the middle is reported, and the request still comes to an end', async () => {
  const approvals = await world.approvals();
  const { id } = valueOf(await approvals.propose({ target: 'shop', ask, actor: ann }));
  world.remedy.during = () => Promise.reject(new TypeError('of our own making'));
  await approvals.approve(id, bob);
  expect(valueOf(await approvals.settled(id))).toMatchObject({ state: 'done' });
  expect(world.faults).toEqual([new TypeError('of our own making')]);
});

test('a journal that fails in the middle stops the change, and the next start tells the truth', async () => {
  const approvals = await world.approvals();
  const { id } = valueOf(await approvals.propose({ target: 'shop', ask, actor: ann }));
  world.remedy.during = async (control) => {
    world.remedy.alive.delete(101);
    world.breakJournals();
    await control.record({ step: 0, sentence: 'one of two' });
  };
  await approvals.approve(id, bob);
  await approvals.drain();
  expect(world.faults).toHaveLength(1);
  expect(world.remedy.alive).toEqual(new Set([102]));
  const ended = await takeOver();
  expect(ended).toMatchObject({ id, state: 'done', result: { outcome: { word: 'unknown' } } });
});

test('a dbconn that lost its journal for a moment does not say that it ended', async () => {
  const approvals = await world.approvals();
  const { id } = valueOf(await approvals.propose({ target: 'shop', ask, actor: ann }));
  world.remedy.during = () => Promise.reject(new JournalUnavailable('The disk is full.'));
  valueOf(await approvals.approve(id, bob));
  await approvals.settled(id);
  const ended = await takeOver(approvals);
  expect(ended.result?.outcome?.sentence).toBe(
    'dbconn was interrupted while this ran, and checked it afterwards.',
  );
});
