import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Approvals } from '../../../src/runbook/approvals/approvals.ts';
import { JournalUnavailable, LeaseLost } from '../../../src/runbook/approvals/journal.ts';

import type { ApprovalRequest } from '../../../src/runbook/approvals/request.ts';
import type { Answer } from '../../../src/runbook/remedies/remedy.ts';
import { ann, bob } from './builders.ts';
import { SetClock, createWorld } from './world.ts';
import type { World } from './world.ts';
import { signalWithinMs } from '../../../src/runbook/remedies/remedy.ts';

/** Several processes share a journal: each door here has an identity of its own. */
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

interface Running {
  readonly id: string;
  readonly approvals: Approvals;
  /** Lets the remedy go on from the middle of its step. */
  readonly goOn: () => void;
  /** Lets it break off there. */
  readonly fail: (error: Error) => void;
}

/** A change that stands in the middle of its first step. */
async function begin(): Promise<Running> {
  const approvals = await world.approvals();
  const { id } = valueOf(await approvals.propose({ target: 'shop', ask, actor: ann }));
  const { promise: paused, resolve: goOn, reject: fail } = Promise.withResolvers<void>();
  const begun = new Promise<void>((resolve) => {
    world.remedy.during = () => {
      resolve();
      return paused;
    };
  });
  valueOf(await approvals.approve(id, bob));
  await begun;
  return { id, approvals, goOn, fail };
}

async function kindsOf(id: string): Promise<string[]> {
  const journal = await world.journal();
  return (await journal.entries(id)).map(({ kind }) => kind);
}

async function takeOver(): Promise<readonly ApprovalRequest[]> {
  return valueOf(await (await world.approvals()).takeOver());
}

test('what a living process executes is taken over by nobody, and comes to its end there', async () => {
  const { id, approvals, goOn } = await begin();
  expect(await takeOver()).toEqual([]);
  expect(valueOf(await approvals.takeOver())).toEqual([]);
  goOn();
  expect(valueOf(await approvals.settled(id))).toMatchObject({
    state: 'done',
    execution: {
      holdings: {
        before: [{ application: 'backend', sessions: 95 }],
        after: [{ application: 'backend', sessions: 35 }],
      },
    },
    result: { outcome: { word: 'fixed' } },
  });
  expect(world.faults).toEqual([]);
});

test('a process that stood still too long finds itself replaced, and takes no further step', async () => {
  const { id, approvals, goOn } = await begin();
  world.clock.nowMs += leaseMs;
  const other = await world.approvals();
  expect(valueOf(await other.takeOver())).toMatchObject([{ id, state: 'executing' }]);
  const ended = valueOf(await other.settled(id));
  expect(ended).toMatchObject({ state: 'done', result: { outcome: { word: 'unknown' } } });
  const written = await kindsOf(id);
  expect(written).toContain('taken-over');
  goOn();
  await approvals.settled(id);
  expect(world.faults).toEqual([new LeaseLost(id)]);
  expect(await kindsOf(id)).toEqual(written);
  expect(valueOf(await approvals.get(id))).toEqual(ended);
});

test('a process that stood still, but that nobody replaced, goes on', async () => {
  const { id, approvals, goOn } = await begin();
  world.clock.nowMs += leaseMs * 10;
  goOn();
  expect(valueOf(await approvals.settled(id)).state).toBe('done');
  expect(world.faults).toEqual([]);
});

test('a lease is renewed as long as the change runs', async () => {
  const { id, approvals, goOn } = await begin();
  for (let renewals = 0; renewals < 4; renewals += 1) {
    world.clock.nowMs += leaseMs - 1;
    await world.beat();
    expect(await takeOver()).toEqual([]);
  }
  goOn();
  await approvals.settled(id);
  await world.beat();
  // With nothing to do it renews no more.
  expect(world.beats()).toBe(0);
});

test('of several processes exactly one takes over', async () => {
  const { id } = await begin();
  world.clock.nowMs += leaseMs;
  const doors = await Promise.all([world.approvals(), world.approvals(), world.approvals()]);
  const taken = await Promise.all(doors.map((approvals) => approvals.takeOver()));
  expect(taken.flatMap((answer) => valueOf(answer))).toMatchObject([{ id }]);
  await Promise.all(doors.map((approvals) => approvals.settled(id)));
  expect((await kindsOf(id)).filter((kind) => kind === 'done')).toHaveLength(1);
});

test('a clean stop waits for the change, and leaves the looks afterwards to the next start at once', async () => {
  const { id, approvals, goOn } = await begin();
  world.clock.stands = true;
  goOn();
  expect(await approvals.drain()).toEqual([]);
  world.clock.stands = false;
  const next = await world.approvals();
  expect(valueOf(await next.takeOver())).toMatchObject([{ id, state: 'verifying' }]);
  expect(valueOf(await next.settled(id))).toMatchObject({ result: { outcome: { word: 'fixed' } } });
  expect(world.faults).toEqual([]);
});

test('a change that does not end in time is left behind and named, with its lease', async () => {
  const { id, approvals } = await begin();
  expect(await approvals.drain(60_000)).toEqual([id]);
  world.clock.nowMs -= 60_000;
  expect(await takeOver()).toEqual([]);
  world.clock.nowMs += leaseMs;
  expect(await takeOver()).toMatchObject([{ id }]);
});

test('what broke off for want of the journal is finished by the same process once it can write again', async () => {
  const { id, approvals, fail } = await begin();
  const full = new JournalUnavailable('The journal is full.');
  fail(full);
  await approvals.settled(id);
  expect(world.faults).toEqual([full]);
  expect(valueOf(await approvals.takeOver())).toMatchObject([{ id, state: 'executing' }]);
  expect(valueOf(await approvals.settled(id))).toMatchObject({ state: 'done' });
  expect(world.remedy.runs).toBe(1);
});

test('a remedy that comes to its end after all gets its outcome from looks, as any other', async () => {
  const { id } = await begin();
  world.remedy.recover = () => {
    world.remedy.used = 35;
    return Promise.resolve({ items: [], summary: 'Completed.', finished: true });
  };
  world.clock.nowMs += leaseMs;
  const next = await world.approvals();
  await next.takeOver();
  expect(valueOf(await next.settled(id))).toMatchObject({
    state: 'done',
    result: { report: { summary: 'Completed.' }, outcome: { word: 'fixed', before: { used: 95 } } },
  });
});

test('a process that was frozen after its intent for as long as its lease sends nothing, and it is found out by looking', async () => {
  const clock = new SetClock();
  world.close();
  world = createWorld({ clock });
  world.remedy.during = ({ lease }) => {
    clock.pass(leaseMs - 100);
    lease.mustLast(100);
    clock.pass(1);
    lease.mustLast(100);
    return Promise.resolve();
  };
  const approvals = await world.approvals();
  const { id } = valueOf(await approvals.propose({ target: 'shop', ask, actor: ann }));
  valueOf(await approvals.approve(id, bob));
  await approvals.settled(id);
  expect(world.remedy.alive.size).toBe(2);
  expect(world.faults.map(String)).toEqual([
    'JournalUnavailable: Too much time passed between the intent and the change, so nothing was sent. Another dbconn may continue.',
  ]);
  await approvals.takeOver();
  expect(valueOf(await approvals.settled(id))).toMatchObject({ state: 'done' });
  expect(world.remedy.alive.size).toBe(2);
});

test('an intent that the journal took too late is followed by nothing, and found out by looking', async () => {
  const clock = new SetClock();
  world.close();
  world = createWorld({
    clock,
    open: async () => {
      const journal = await world.journal();
      const record = journal.record.bind(journal);
      journal.record = async (entry) => {
        if (entry.kind === 'step-intended') clock.pass(leaseMs - signalWithinMs + 1);
        return record(entry);
      };
      return journal;
    },
  });
  const approvals = await world.approvals();
  const { id } = valueOf(await approvals.propose({ target: 'shop', ask, actor: ann }));
  valueOf(await approvals.approve(id, bob));
  await approvals.settled(id);
  expect(world.remedy.alive.size).toBe(2);
  expect(world.faults.map(String)).toEqual([
    'JournalUnavailable: Too much time passed between the intent and the change, so nothing was sent. Another dbconn may continue.',
  ]);
  await approvals.takeOver();
  expect(valueOf(await approvals.settled(id))).toMatchObject({ state: 'done' });
  expect(world.remedy.alive.size).toBe(2);
});
