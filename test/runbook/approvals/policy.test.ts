import { describe, expect, test } from 'vitest';
import {
  defaultPolicy,
  defaultPolicyOf,
  readOptionPolicy,
  votesNeeded,
} from '../../../src/runbook/approvals/policy.ts';
import type { Approvals } from '../../../src/runbook/approvals/approvals.ts';
import type { Actor, ApprovalRequest } from '../../../src/runbook/approvals/request.ts';
import { Action } from '../../../src/runbook/remedies/remedy-request.ts';
import type { RemedyRequest } from '../../../src/runbook/remedies/remedy-request.ts';
import { refusalOf, valueOf } from './answers.ts';
import { ann, bob, cem } from './builders.ts';
import { useWorld } from './world.ts';

const world = useWorld();

const ask = { kind: 'idle-in-transaction', idleForMs: 600_000 } as const;
const root: Actor = { id: 'root', via: 'terminal' };

async function propose(approvals: Approvals, actor: Actor): Promise<ApprovalRequest> {
  return valueOf(await approvals.propose({ target: 'shop', ask, actor }));
}

describe('the proposer does not approve their own', () => {
  test('whichever button or form they use, and with or without a workspace named', async () => {
    const approvals = await world.approvals();
    const { id } = await propose(approvals, bob);
    for (const actor of [bob, { ...bob, team: 'T1' }]) {
      expect(refusalOf(await approvals.approve(id, actor)).kind).toBe('own-proposal');
      expect(refusalOf(await approvals.approve(id, actor, 'I say so')).kind).toBe('own-proposal');
    }
    expect(valueOf(await approvals.get(id))).toMatchObject({ state: 'proposed', votes: [] });
    expect(world.remedy.runs).toBe(0);
  });

  test('at the terminal, where no vote counts at all', async () => {
    const approvals = await world.approvals({}, { terminalUsers: { root: bob.id } });
    const { id } = await propose(approvals, root);
    expect(refusalOf(await approvals.approve(id, root)).kind).toBe('no-vote-here');
    expect(refusalOf(await approvals.approve(id, { ...bob, via: 'terminal' })).kind).toBe(
      'no-vote-here',
    );
  });

  test('in Slack, what they proposed at the terminal', async () => {
    const approvals = await world.approvals({}, { terminalUsers: { root: bob.id } });
    const { id, votesNeeded: needed } = await propose(approvals, root);
    expect(needed).toBe(1);
    const { kind, next } = refusalOf(await approvals.approve(id, bob));
    expect(kind).toBe('own-proposal');
    expect(next).toBe('Ask <@UCEM>.');
    valueOf(await approvals.approve(id, cem));
    expect(valueOf(await approvals.settled(id)).state).toBe('done');
  });

  test('but may take back in Slack what they proposed at the terminal', async () => {
    const approvals = await world.approvals({}, { terminalUsers: { root: bob.id } });
    const { id } = await propose(approvals, root);
    expect(refusalOf(await approvals.withdraw(id, cem)).kind).toBe('not-the-proposer');
    expect(valueOf(await approvals.withdraw(id, bob)).state).toBe('withdrawn');
  });

  test('unless the rules of the option let them', async () => {
    const approvals = await world.approvals({ proposerMayVote: true });
    const { id } = await propose(approvals, bob);
    expect(valueOf(await approvals.approve(id, bob)).state).toBe('approved');
    await approvals.settled(id);
  });
});

test('a proposal of nobody knows whom needs one vote more, since one approver may be the proposer', async () => {
  const approvals = await world.approvals();
  const { id, votesNeeded: needed } = await propose(approvals, root);
  expect(needed).toBe(2);
  expect(valueOf(await approvals.approve(id, bob)).state).toBe('proposed');
  expect(refusalOf(await approvals.approve(id, bob)).kind).toBe('voted-already');
  expect(valueOf(await approvals.approve(id, cem)).state).toBe('approved');
  await approvals.settled(id);
  const alone = await world.approvals({ approvers: [bob.id] });
  const { kind, why } = refusalOf(await alone.propose({ target: 'shop', ask, actor: root }));
  expect(kind).toBe('no-approvers');
  expect(why).toContain('needs 2 approvals');
});

test('a name of the terminal that is a name of JavaScript is nobody', () => {
  const actor: Actor = { id: 'constructor', via: 'terminal' };
  expect(votesNeeded({ ...defaultPolicy, terminalUsers: {} }, ask, actor)).toBe(2);
});

test('one person counts once, from two workspaces’ worth of payloads too', async () => {
  const approvals = await world.approvals({ votes: 2 });
  const { id } = await propose(approvals, ann);
  valueOf(await approvals.approve(id, { ...bob, team: 'T1' }));
  for (const again of [bob, { ...bob, team: 'T1' }, { ...bob, team: 'T2' }]) {
    expect(refusalOf(await approvals.approve(id, again)).kind).toBe('voted-already');
  }
  expect(valueOf(await approvals.get(id)).votes).toHaveLength(1);
});

test('nobody approves their own by naming another workspace', async () => {
  const approvals = await world.approvals({ approvers: [bob.id, cem.id] });
  const { id } = await propose(approvals, { ...bob, team: 'T1' });
  expect(refusalOf(await approvals.approve(id, { ...bob, team: 'T2' })).kind).toBe('own-proposal');
});

test('the two ids of one person on an Enterprise Grid are one person, as proposer and as voter', async () => {
  const bobToo: Actor = { id: 'WBOB', via: 'slack' };
  for (const { id } of [bob, bobToo]) world.people.ids.set(id, 'WBOB');
  const approvals = await world.approvals({ approvers: [bob.id, bobToo.id, cem.id], votes: 2 });
  const own = await propose(approvals, bobToo);
  expect(refusalOf(await approvals.approve(own.id, bob)).kind).toBe('own-proposal');
  const { id } = await propose(approvals, ann);
  valueOf(await approvals.approve(id, bob));
  expect(refusalOf(await approvals.approve(id, bobToo)).kind).toBe('voted-already');
  expect(valueOf(await approvals.get(id)).votes).toHaveLength(1);
});

test('without a word in the configuration every option is off', async () => {
  for (const option of Action.options) {
    expect(readOptionPolicy(defaultPolicy, option).approvers).toEqual([]);
  }
  const approvals = await world.approvals({}, { options: {} });
  expect(refusalOf(await approvals.propose({ target: 'shop', ask, actor: ann })).kind).toBe(
    'no-approvers',
  );
  expect(approvals.offers('shop')).toEqual([]);
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
  const ask = (role: string | null): RemedyRequest => ({
    kind: 'set-timeout',
    setting,
    role,
    ms: 1000,
  });
  expect(votesNeeded(defaultPolicy, ask(null), ann)).toBe(2);
  expect(votesNeeded(defaultPolicy, ask('app'), ann)).toBe(1);
  const strict = { ...defaultPolicyOf('prevention'), votes: 3 };
  const policy = { ...defaultPolicy, options: { prevention: strict } };
  expect(votesNeeded(policy, ask(null), ann)).toBe(3);
});

test('an option has an expiry of its own, and at that very moment it is too late', async () => {
  const approvals = await world.approvals({ expiresAfterMs: 60_000 });
  const [late, inTime] = [await propose(approvals, ann), await propose(approvals, ann)];
  const expiresAtMs = Date.parse(late.expiresAt);
  expect(expiresAtMs - Date.parse(late.proposedAt)).toBe(60_000);
  world.clock.nowMs = expiresAtMs - 1;
  expect(valueOf(await approvals.approve(inTime.id, bob)).state).toBe('approved');
  await approvals.settled(inTime.id);
  world.clock.nowMs = expiresAtMs;
  expect(refusalOf(await approvals.approve(late.id, bob)).kind).toBe('expired');
});

test('how much of a plan must be left is configurable', async () => {
  const approvals = await world.approvals({}, { leastShareLeft: 0.4 });
  const { id } = await propose(approvals, ann);
  world.remedy.alive.delete(101);
  await approvals.approve(id, bob);
  expect(valueOf(await approvals.settled(id))).toMatchObject({
    state: 'done',
    execution: { left: 1 },
  });
});

test('what is shown of the rules is what is decided by', async () => {
  const approvals = await world.approvals({ reasonRequired: true, votes: 2 });
  const request = await propose(approvals, ann);
  expect(await approvals.rulesFor(request)).toMatchObject({ reasonRequired: true, votes: 2 });
  expect(await approvals.rulesFor({ ...request, option: 'B' })).toEqual(defaultPolicyOf('B'));
});

describe('doctor', () => {
  const summaries = (approvals: Approvals): string =>
    approvals
      .check('shop', [])
      .map(({ summary }) => summary)
      .join(' ');

  test('says of every action whether it can run and what it lacks', async () => {
    const checks = (await world.approvals()).check('shop', []);
    expect(checks).toHaveLength(Action.options.length);
    expect(checks[0]).toMatchObject({ state: 'ok' });
    expect(checks.slice(1).every(({ state, fix }) => state === 'off' && fix !== undefined)).toBe(
      true,
    );
  });

  test.for([
    [{ approvers: [bob.id], votes: 2 }, 'Option A cannot run: it needs 2 approvers and has 1.'],
    [
      { approvers: [bob.id] },
      'cannot run when an approver proposes it: it needs 1 vote and has 1 approver.',
    ],
    [
      { approvers: ['S1'], votes: 2 },
      'Option A can run: it needs 2 votes of its approvers’ groups.',
    ],
    [{}, 'Option A can run: it needs 1 vote of 2 approvers.'],
  ] as const)('with %o it says: %s', async ([option, words]) => {
    expect(summaries(await world.approvals(option))).toContain(words);
  });

  test('says once that nobody approves anything, and beside it what else was found', async () => {
    const approvals = await world.approvals({ approvers: [] });
    const found = { subject: 'Docker', state: 'off', summary: 'No.', stops: ['C'] } as const;
    const [first, ...others] = approvals.check('shop', [found]);
    expect(first).toMatchObject({
      state: 'off',
      summary: 'Options A to E cannot run: no approver is named.',
    });
    expect(first?.fix).toContain('under approval in dbconn.yml');
    expect(others).toEqual([found]);
  });

  test('promises no option that a check stops, and says what fixes it once', async () => {
    const approvals = await world.approvals();
    const refused = {
      subject: 'PostgreSQL',
      state: 'missing',
      summary: 'The role may not end sessions.',
      fix: 'GRANT pg_signal_backend TO "acting";',
      stops: ['A', 'D'],
    } as const;
    const other = { subject: 'Docker', state: 'off', summary: 'No.', stops: ['C'] } as const;
    const checks = approvals.check('shop', [other, refused]);
    expect(checks[0]).toEqual({
      subject: 'Configuration',
      state: 'missing',
      summary: 'Option A cannot run. The role may not end sessions.',
      fix: refused.fix,
    });
    expect(checks).not.toContainEqual(refused);
    // Option C is not set up here: what would stop it is listed on its own.
    expect(checks).toContainEqual(other);
  });

  test('warns of an exception that is on', async () => {
    const breakGlass = { users: [ann.id], terminal: [], actions: ['A', 'prepared'] } as const;
    expect(summaries(await world.approvals({}, { breakGlass }))).toContain(
      'Break-glass is on: 1 named person may run option A, the rollback of a prepared transaction without approvals.',
    );
    expect(summaries(await world.approvals())).not.toContain('Break-glass');
  });
});
