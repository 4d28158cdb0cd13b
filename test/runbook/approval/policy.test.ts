import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  defaultPolicy,
  defaultPolicyOf,
  readOptionPolicy,
  votesNeeded,
} from '../../../src/runbook/approval/policy.ts';
import type { Door } from '../../../src/runbook/approval/door.ts';
import type { Actor } from '../../../src/runbook/approval/actor.ts';
import type { Request } from '../../../src/runbook/approval/request.ts';
import { Action } from '../../../src/runbook/remedies/action.ts';
import type { Ask } from '../../../src/runbook/remedies/ask.ts';
import { refusalOf, valueOf } from './answers.ts';
import { ann, bob, cem } from './builders.ts';
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
const root: Actor = { id: 'root', via: 'terminal' };

async function propose(door: Door, actor: Actor): Promise<Request> {
  return valueOf(await door.propose({ target: 'shop', ask, actor }));
}

describe('the proposer does not approve their own', () => {
  test('whichever button or form they use, and with or without a workspace named', async () => {
    const door = await world.door();
    const { id } = await propose(door, bob);
    for (const actor of [bob, { ...bob, team: 'T1' }]) {
      expect(refusalOf(await door.approve(id, actor)).kind).toBe('own-proposal');
      expect(refusalOf(await door.approve(id, actor, 'I say so')).kind).toBe('own-proposal');
    }
    expect(valueOf(await door.get(id))).toMatchObject({ state: 'proposed', votes: [] });
    expect(world.remedy.runs).toBe(0);
  });

  test('at the terminal, where no vote counts at all', async () => {
    const door = await world.door({}, { terminalUsers: { root: bob.id } });
    const { id } = await propose(door, root);
    expect(refusalOf(await door.approve(id, root)).kind).toBe('no-vote-here');
    expect(refusalOf(await door.approve(id, { ...bob, via: 'terminal' })).kind).toBe(
      'no-vote-here',
    );
  });

  test('in Slack, what they proposed at the terminal', async () => {
    const door = await world.door({}, { terminalUsers: { root: bob.id } });
    const { id, votesNeeded: needed } = await propose(door, root);
    expect(needed).toBe(1);
    const { kind, next } = refusalOf(await door.approve(id, bob));
    expect(kind).toBe('own-proposal');
    expect(next).toBe('Ask <@UCEM>.');
    valueOf(await door.approve(id, cem));
    expect(valueOf(await door.settled(id)).state).toBe('done');
  });

  test('but may take back in Slack what they proposed at the terminal', async () => {
    const door = await world.door({}, { terminalUsers: { root: bob.id } });
    const { id } = await propose(door, root);
    expect(refusalOf(await door.withdraw(id, cem)).kind).toBe('not-the-proposer');
    expect(valueOf(await door.withdraw(id, bob)).state).toBe('withdrawn');
  });

  test('unless the rules of the option let them', async () => {
    const door = await world.door({ proposerMayVote: true });
    const { id } = await propose(door, bob);
    expect(valueOf(await door.approve(id, bob)).state).toBe('approved');
    await door.settled(id);
  });
});

test('a proposal of nobody knows whom needs one vote more, since one approver may be the proposer', async () => {
  const door = await world.door();
  const { id, votesNeeded: needed } = await propose(door, root);
  expect(needed).toBe(2);
  expect(valueOf(await door.approve(id, bob)).state).toBe('proposed');
  expect(refusalOf(await door.approve(id, bob)).kind).toBe('voted-already');
  expect(valueOf(await door.approve(id, cem)).state).toBe('approved');
  await door.settled(id);
  const alone = await world.door({ approvers: [bob.id] });
  const { kind, why } = refusalOf(await alone.propose({ target: 'shop', ask, actor: root }));
  expect(kind).toBe('no-approvers');
  expect(why).toContain('needs 2 votes');
});

test('a name of the terminal that is a name of JavaScript is nobody', () => {
  const actor: Actor = { id: 'constructor', via: 'terminal' };
  expect(votesNeeded({ ...defaultPolicy, terminalUsers: {} }, ask, actor)).toBe(2);
});

test('one person counts once, from two workspaces’ worth of payloads too', async () => {
  const door = await world.door({ votes: 2 });
  const { id } = await propose(door, ann);
  valueOf(await door.approve(id, { ...bob, team: 'T1' }));
  for (const again of [bob, { ...bob, team: 'T1' }, { ...bob, team: 'T2' }]) {
    expect(refusalOf(await door.approve(id, again)).kind).toBe('voted-already');
  }
  expect(valueOf(await door.get(id)).votes).toHaveLength(1);
});

test('nobody approves their own by naming another workspace', async () => {
  const door = await world.door({ approvers: [bob.id, cem.id] });
  const { id } = await propose(door, { ...bob, team: 'T1' });
  expect(refusalOf(await door.approve(id, { ...bob, team: 'T2' })).kind).toBe('own-proposal');
});

test('the two ids of one person on an Enterprise Grid are one person, as proposer and as voter', async () => {
  const bobToo: Actor = { id: 'WBOB', via: 'slack' };
  for (const { id } of [bob, bobToo]) world.people.ids.set(id, 'WBOB');
  const door = await world.door({ approvers: [bob.id, bobToo.id, cem.id], votes: 2 });
  const own = await propose(door, bobToo);
  expect(refusalOf(await door.approve(own.id, bob)).kind).toBe('own-proposal');
  const { id } = await propose(door, ann);
  valueOf(await door.approve(id, bob));
  expect(refusalOf(await door.approve(id, bobToo)).kind).toBe('voted-already');
  expect(valueOf(await door.get(id)).votes).toHaveLength(1);
});

test('without a word in the configuration every option is off', async () => {
  for (const option of Action.options) {
    expect(readOptionPolicy(defaultPolicy, option).approvers).toEqual([]);
  }
  const door = await world.door({}, { options: {} });
  expect(refusalOf(await door.propose({ target: 'shop', ask, actor: ann })).kind).toBe(
    'no-approvers',
  );
  expect(door.offers('shop')).toEqual([]);
});

test.for([
  ['A', 1, 2],
  ['B', 2, 10],
  ['C', 1, 10],
  ['D', 1, 2],
  ['E', 2, 10],
  ['prepared', 2, 2],
  ['prevention', 1, 10],
] as const)(
  '%s needs %i votes and cools down %i minutes unless said otherwise',
  ([option, votes, minutes]) => {
    expect(defaultPolicyOf(option)).toMatchObject({ votes, cooldownMs: minutes * 60_000 });
  },
);

test('a timeout for the whole server needs two votes, one for a role needs one', () => {
  const setting = 'idle_session_timeout';
  const ask = (role: string | null): Ask => ({ kind: 'set-timeout', setting, role, ms: 1000 });
  expect(votesNeeded(defaultPolicy, ask(null), ann)).toBe(2);
  expect(votesNeeded(defaultPolicy, ask('app'), ann)).toBe(1);
  const strict = { ...defaultPolicyOf('prevention'), votes: 3 };
  const policy = { ...defaultPolicy, options: { prevention: strict } };
  expect(votesNeeded(policy, ask(null), ann)).toBe(3);
});

test('an option has an expiry of its own, and at that very moment it is too late', async () => {
  const door = await world.door({ expiresAfterMs: 60_000 });
  const [late, inTime] = [await propose(door, ann), await propose(door, ann)];
  const expiresAtMs = Date.parse(late.expiresAt);
  expect(expiresAtMs - Date.parse(late.proposedAt)).toBe(60_000);
  world.clock.nowMs = expiresAtMs - 1;
  expect(valueOf(await door.approve(inTime.id, bob)).state).toBe('approved');
  await door.settled(inTime.id);
  world.clock.nowMs = expiresAtMs;
  expect(refusalOf(await door.approve(late.id, bob)).kind).toBe('expired');
});

test('how much of a plan must be left is configurable', async () => {
  const door = await world.door({}, { leastShareLeft: 0.4 });
  const { id } = await propose(door, ann);
  world.remedy.alive.delete(101);
  await door.approve(id, bob);
  expect(valueOf(await door.settled(id))).toMatchObject({ state: 'done', execution: { left: 1 } });
});

test('what is shown of the rules is what is decided by', async () => {
  const door = await world.door({ reasonRequired: true, votes: 2 });
  expect(door.rulesFor('A')).toMatchObject({ reasonRequired: true, votes: 2 });
  expect(door.rulesFor('B')).toEqual(defaultPolicyOf('B'));
});

describe('doctor', () => {
  const summaries = (door: Door): string =>
    door
      .check('shop')
      .map(({ summary }) => summary)
      .join(' ');

  test('says of every action whether it can run and what it lacks', async () => {
    const checks = (await world.door()).check('shop');
    expect(checks).toHaveLength(Action.options.length);
    expect(checks[0]).toMatchObject({ state: 'ok' });
    expect(checks.slice(1).every(({ state, fix }) => state === 'off' && fix !== undefined)).toBe(
      true,
    );
  });

  test.for([
    [{ approvers: [] }, 'Option A cannot run: it needs 1 approver and has 0.'],
    [{ approvers: [bob.id], votes: 2 }, 'Option A cannot run: it needs 2 approvers and has 1.'],
    [{ approvers: [bob.id] }, 'as many approvers as it needs votes'],
    [{ approvers: ['S1'], votes: 2 }, 'it needs 2 votes of its approvers’ groups'],
    [{}, 'Option A can be proposed, and 2 people may approve it.'],
  ] as const)('with %o it says: %s', async ([option, words]) => {
    expect(summaries(await world.door(option))).toContain(words);
  });

  test('warns of an exception that is on', async () => {
    const breakGlass = { users: [ann.id], terminal: [], actions: ['A', 'prepared'] } as const;
    expect(summaries(await world.door({}, { breakGlass }))).toContain(
      'Break-glass is on: 1 named person may run option A, the rollback of a prepared transaction without votes.',
    );
    expect(summaries(await world.door())).not.toContain('Break-glass');
  });
});
