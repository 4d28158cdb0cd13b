import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Approvals } from '../../../src/runbook/approvals/approvals.ts';
import type { ApprovalRequest } from '../../../src/runbook/approvals/request.ts';
import { refusalOf, valueOf } from './answers.ts';
import { ann, bob, buildPlan, byHand } from './builders.ts';
import { createWorld, SetClock } from './world.ts';
import type { World } from './world.ts';

/** Somebody sets the clock while a lease, an expiry, a cooldown or a verification runs. */
let world: World;
let clock: SetClock;
beforeEach(() => {
  clock = new SetClock();
  world = createWorld({ clock });
});
afterEach(() => world.close());

const [minuteMs, hourMs, leaseMs] = [60_000, 3_600_000, 20_000];
const expiresAfterMs = 15 * minuteMs;
const ask = { kind: 'idle-in-transaction', idleForMs: 600_000 } as const;

async function propose(approvals: Approvals): Promise<ApprovalRequest> {
  return valueOf(await approvals.propose({ target: 'shop', ask, actor: ann }));
}

/** A change in the middle of its step, in a process that neither goes on nor renews its lease. */
async function standStill(): Promise<string> {
  const approvals = await world.approvals();
  const { id } = await propose(approvals);
  const begun = new Promise<void>((resolve) => {
    world.remedy.during = () => {
      resolve();
      return new Promise(() => undefined);
    };
  });
  valueOf(await approvals.approve(id, bob));
  await begun;
  return id;
}

async function takeOver(): Promise<readonly ApprovalRequest[]> {
  return valueOf(await (await world.approvals()).takeOver());
}

test.for([
  ['back by a day', -24 * hourMs],
  ['back by a minute', -minuteMs],
  ['ahead by a minute', minuteMs],
  ['ahead by a day', 24 * hourMs],
] as const)(
  'a clock set %s neither frees a lease that holds nor keeps one that ran out',
  async ([, byMs]) => {
    const id = await standStill();
    clock.nowMs += byMs;
    expect(await takeOver()).toEqual([]);
    clock.pass(leaseMs - 1);
    expect(await takeOver()).toEqual([]);
    clock.pass(1);
    expect(await takeOver()).toMatchObject([{ id }]);
  },
);

test('a clock set back stretches no expiry, in the process that proposed it', async () => {
  const approvals = await world.approvals();
  const request = await propose(approvals);
  clock.nowMs -= hourMs;
  clock.pass(expiresAfterMs - 1);
  expect(valueOf(await approvals.sweep())).toEqual([]);
  clock.pass(1);
  expect(refusalOf(await approvals.approve(request.id, bob)).kind).toBe('expired');
  expect(world.remedy.runs).toBe(0);
});

test('a clock set back stretches no expiry in the next process either: the journal’s last entry is its clock', async () => {
  const request = await propose(await world.approvals());
  clock.pass(expiresAfterMs - minuteMs);
  await (await world.journal()).record({ kind: 'note', body: {} });
  clock.nowMs -= hourMs;
  const next = await world.approvals();
  expect(valueOf(await next.sweep())).toEqual([]);
  clock.pass(minuteMs);
  expect(valueOf(await next.sweep())).toMatchObject([{ id: request.id, state: 'expired' }]);
});

test.for([
  ['ahead', hourMs],
  ['back', -hourMs],
] as const)('a clock set %s makes a cooldown neither shorter nor longer', async ([, byMs]) => {
  const approvals = await world.approvals({ cooldownMs: 10 * minuteMs });
  const first = await propose(approvals);
  valueOf(await approvals.approve(first.id, bob));
  expect(valueOf(await approvals.settled(first.id)).state).toBe('done');
  for (const pid of [101, 102]) world.remedy.alive.add(pid);
  clock.nowMs += byMs;
  const second = await propose(approvals);
  // A minute of it went by while the first one was verified.
  clock.pass(9 * minuteMs - 1);
  expect(refusalOf(await approvals.approve(second.id, bob)).kind).toBe('cooling-down');
  clock.pass(1);
  valueOf(await approvals.approve(second.id, bob));
});

test('a clock set back by a day keeps no outcome waiting for a day', async () => {
  const approvals = await world.approvals();
  const { id } = await propose(approvals);
  const look = world.changes.push.bind(world.changes);
  world.changes.push = (...changes) => {
    if (changes.some(({ state }) => state === 'verifying')) clock.nowMs -= 24 * hourMs;
    return look(...changes);
  };
  const beganAtMs = clock.uptime();
  valueOf(await approvals.approve(id, bob));
  expect(valueOf(await approvals.settled(id))).toMatchObject({
    result: { outcome: { word: 'fixed' } },
  });
  expect(clock.uptime() - beganAtMs).toBe(minuteMs);
});

test('a clock set ahead before anybody looked cuts short no pause after what a person ran', async () => {
  world.remedy.plan = buildPlan({ byHand });
  const approvals = await world.approvals({ cooldownMs: 10 * minuteMs });
  const first = await propose(approvals);
  const second = await propose(approvals);
  valueOf(await approvals.approve(first.id, bob));
  valueOf(await approvals.settled(first.id));
  world.remedy.recover = () => new Promise(() => undefined);
  valueOf(await approvals.ranByHand(first.id, bob));
  clock.nowMs += 11 * minuteMs;
  expect(refusalOf(await approvals.approve(second.id, bob)).kind).toBe('cooling-down');
  clock.pass(10 * minuteMs);
  const third = await propose(approvals);
  valueOf(await approvals.approve(third.id, bob));
});
