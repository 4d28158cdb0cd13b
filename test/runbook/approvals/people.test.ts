import { describe, expect, test } from 'vitest';
import type { Approvals } from '../../../src/runbook/approvals/approvals.ts';
import { checkMembership, nobodyKnown } from '../../../src/runbook/approvals/people.ts';
import { checkVotes } from '../../../src/runbook/approvals/execute.ts';
import { defaultPolicy } from '../../../src/runbook/approvals/policy.ts';
import type { Actor, ApprovalRequest } from '../../../src/runbook/approvals/request.ts';
import type { Answer } from '../../../src/runbook/remedies/remedy.ts';
import { refusalOf, valueOf } from './answers.ts';
import { ann, bob, buildRequest, cem, stranger } from './builders.ts';
import { useWorld } from './world.ts';

const world = useWorld();

const ask = { kind: 'idle-in-transaction', idleForMs: 600_000 } as const;

/** Everything somebody named may decide; each gets a proposal of its own. */
const decisions: Readonly<
  Record<
    string,
    (approvals: Approvals, actor: Actor, request: ApprovalRequest) => Promise<Answer<unknown>>
  >
> = {
  approve: (approvals, actor, { id }) => approvals.approve(id, actor),
  deny: (approvals, actor, { id }) => approvals.deny(id, actor),
  go: (approvals, actor) => approvals.go(actor),
  propose: (approvals, actor) => approvals.propose({ target: 'shop', ask, actor }),
  'break the glass': (approvals, actor, { id }) =>
    approvals.breakGlass(id, actor, 'nobody answers'),
};
const decide = Object.entries(decisions);

/** Ann and Bob may do everything there is, by name and by their group. */
function openApprovals(): Promise<Approvals> {
  world.people.groups.set('SDBA', [bob.id, cem.id]);
  const breakGlass = { users: [bob.id], terminal: [], actions: ['A'] } as const;
  const named = [ann.id, bob.id, 'SDBA'];
  return world.approvals({ proposers: named, approvers: named }, { breakGlass });
}

async function propose(approvals: Approvals): Promise<ApprovalRequest> {
  return valueOf(await approvals.propose({ target: 'shop', ask, actor: ann }));
}

describe.for(decide)('to %s', ([, decision]) => {
  test.for([
    ['guest', 'You are a guest'],
    ['bot', 'Bots cannot decide'],
    ['deactivated', 'deactivated'],
    ['stranger', 'You belong to another workspace'],
  ] as const)('a %s never counts, although named', async ([standing, words]) => {
    const approvals = await openApprovals();
    const request = await propose(approvals);
    world.people.standings.set(bob.id, standing);
    const { kind, why } = refusalOf(await decision(approvals, bob, request));
    expect(kind).toBe('not-a-member');
    expect(why).toContain(words);
    expect(valueOf(await approvals.get(request.id))).toEqual(request);
    expect(world.remedy.runs).toBe(0);
  });

  test('who cannot be looked up does not count, and is told why', async () => {
    const approvals = await openApprovals();
    const request = await propose(approvals);
    world.people.outage = 'Slack did not answer.';
    const { kind, why } = refusalOf(await decision(approvals, bob, request));
    expect(kind).toBe('not-looked-up');
    expect(why).toContain('counts as no: Slack did not answer.');
    expect(valueOf(await approvals.get(request.id))).toEqual(request);
  });

  test('who is not named is not even looked up where no group is named', async () => {
    const approvals = await world.approvals({ proposers: [ann.id] });
    const request = await propose(approvals);
    const before = world.people.lookups;
    refusalOf(await decision(approvals, stranger, request));
    expect(world.people.lookups).toBe(before);
  });
});

test('anybody may propose where nobody is named for it, and everybody may stop', async () => {
  const approvals = await world.approvals();
  world.people.outage = 'Slack did not answer.';
  expect((await approvals.propose({ target: 'shop', ask, actor: stranger })).ok).toBe(true);
  expect((await approvals.stop(stranger)).ok).toBe(true);
});

describe('a user group', () => {
  test('lets its members of this moment vote', async () => {
    const approvals = await openApprovals();
    const { id } = await propose(approvals);
    expect(valueOf(await approvals.approve(id, cem)).state).toBe('approved');
    await approvals.settled(id);
  });

  test('does not let those vote who have left it', async () => {
    const approvals = await openApprovals();
    const { id } = await propose(approvals);
    world.people.groups.set('SDBA', [bob.id]);
    const { kind, next } = refusalOf(await approvals.approve(id, cem));
    expect(kind).toBe('not-an-approver');
    expect(next).toContain('<!subteam^SDBA>');
  });

  test('that is empty says so', async () => {
    const approvals = await openApprovals();
    const { id } = await propose(approvals);
    world.people.groups.set('SDBA', []);
    const { kind, why } = refusalOf(await approvals.approve(id, cem));
    expect(kind).toBe('not-an-approver');
    expect(why).toContain('<!subteam^SDBA> has no members now.');
  });

  test('that was deleted is no, and says which', async () => {
    const approvals = await openApprovals();
    const { id } = await propose(approvals);
    world.people.groups.delete('SDBA');
    const { kind, why } = refusalOf(await approvals.approve(id, cem));
    expect(kind).toBe('not-looked-up');
    expect(why).toContain('Who belongs to <!subteam^SDBA> could not be checked');
    expect(valueOf(await approvals.get(id)).votes).toEqual([]);
  });

  test('that cannot be read keeps nobody out who is named otherwise', async () => {
    world.people.groups.set('SOTHER', [cem.id]);
    const approvals = await world.approvals({ approvers: ['SGONE', 'SOTHER', bob.id], votes: 2 });
    const { id } = await propose(approvals);
    valueOf(await approvals.approve(id, bob));
    expect(valueOf(await approvals.approve(id, cem)).state).toBe('approved');
    await approvals.settled(id);
  });

  test('does not give one person two votes, by name and by group', async () => {
    world.people.groups.set('SDBA', [bob.id]);
    const approvals = await world.approvals({ approvers: [bob.id, 'SDBA'], votes: 2 });
    const { id } = await propose(approvals);
    valueOf(await approvals.approve(id, bob));
    expect(refusalOf(await approvals.approve(id, bob)).kind).toBe('voted-already');
  });
});

describe('before it runs', () => {
  /** Bob votes, something happens, and Cem gives the last vote. */
  async function runAfter(happens: () => void): Promise<ApprovalRequest> {
    world.people.groups.set('SBOB', [bob.id]).set('SCEM', [cem.id]);
    const approvals = await world.approvals({ approvers: ['SBOB', 'SCEM'], votes: 2 });
    const { id } = await propose(approvals);
    valueOf(await approvals.approve(id, bob));
    happens();
    valueOf(await approvals.approve(id, cem));
    return valueOf(await approvals.settled(id));
  }

  const events: Readonly<Record<string, readonly [happens: () => void, because: string]>> = {
    'has left the group': [
      () => world.people.groups.set('SBOB', []),
      'that person is no longer an approver',
    ],
    'was deactivated': [
      () => world.people.standings.set(bob.id, 'deactivated'),
      'that person is no longer a full member of the workspace',
    ],
    'cannot be looked up': [
      () => world.people.groups.delete('SBOB'),
      'that person could not be checked in Slack',
    ],
  };

  test.for(Object.entries(events))(
    'a voter who %s does not count: nothing runs, and it is asked for again',
    async ([, [happens, because]]) => {
      const sentence = `Approval 1 of 2 no longer counts: ${because}. Nothing was done.`;
      expect(await runAfter(happens)).toMatchObject({ state: 'stale', closing: { sentence } });
      expect(world.remedy.runs).toBe(0);
      expect(world.changes.findLast(({ state }) => state === 'proposed')).toMatchObject({
        supersedes: world.changes[0]?.id,
        votes: [],
      });
    },
  );

  test('voters who are all still there count', async () => {
    expect((await runAfter(() => undefined)).state).toBe('done');
    expect(world.remedy.runs).toBe(1);
  });

  test('whoever broke the glass and was deactivated since does not count', async () => {
    const brokenGlass = { by: bob, at: '', reason: 'nobody answers' };
    const request = { ...(await buildRequest()), brokenGlass };
    const breakGlass = { users: [bob.id], terminal: [], actions: ['A'] } as const;
    const rules = { policy: { ...defaultPolicy, breakGlass }, people: world.people };
    expect(await checkVotes(rules, request)).toBeUndefined();
    world.people.standings.set(bob.id, 'deactivated');
    expect(await checkVotes(rules, request)).toBe(
      'The break-glass exception no longer counts: that person is no longer a full member of the workspace.',
    );
  });
});

test('a process that does not speak to Slack counts nobody there', async () => {
  const membership = await checkMembership(nobodyKnown, bob.id, [bob.id]);
  expect(membership).toMatchObject({ kind: 'refused', refusal: { kind: 'not-looked-up' } });
});

describe('doctor, before the night it matters,', () => {
  test('finds everybody who is named', async () => {
    const approvals = await openApprovals();
    expect(await approvals.checkPeople()).toEqual([
      {
        subject: 'Slack',
        state: 'ok',
        summary: 'All people and groups of dbconn.yml are in Slack: 3.',
      },
    ]);
  });

  test('names who is there and does not count, and the group that nobody is in', async () => {
    const approvals = await openApprovals();
    world.people.standings.set(bob.id, 'guest');
    world.people.groups.set('SDBA', []);
    expect(await approvals.checkPeople()).toMatchObject([
      { state: 'warning', summary: 'UBOB in approval does not count: a guest.' },
      {
        state: 'warning',
        summary: 'The user group SDBA in approval is empty.',
      },
    ]);
  });

  test('counts those who are left, and says which option has too few of them', async () => {
    const approvals = await world.approvals({ approvers: [ann.id, bob.id], votes: 2 });
    world.people.standings.set(bob.id, 'deactivated');
    expect(await approvals.checkPeople()).toMatchObject([
      { state: 'warning', summary: 'UBOB in approval does not count: the account is deactivated.' },
      { state: 'missing', summary: 'Option A needs 2 votes, and 1 approver can give one.' },
    ]);
  });

  test('finds the contacts of a target too, whom a guest may be one of', async () => {
    const approvals = await world.approvals({ approvers: [ann.id] });
    world.people.groups.set('SDBA', []);
    world.people.standings.set('ULEAD', 'guest');
    const contacts = { databaseAdmins: 'SDBA', backendLead: 'ULEAD', onCall: 'SGONE' };
    expect(await approvals.checkPeople(contacts)).toMatchObject([
      { state: 'missing', summary: 'SGONE cannot be checked: there is no such group.' },
      {
        state: 'warning',
        summary: 'The user group SDBA in contacts.databaseAdmins is empty.',
      },
    ]);
  });

  test('says once why nobody can be looked up', async () => {
    const approvals = await openApprovals();
    world.people.outage = 'the bot lacks the scope users:read.';
    expect(await approvals.checkPeople()).toMatchObject([
      {
        state: 'missing',
        summary: 'UANN, UBOB, SDBA cannot be checked: the bot lacks the scope users:read.',
      },
    ]);
  });

  test('asks about some of very many, and says so', async () => {
    const approvers = Array.from({ length: 100 }, (_, n) => `U${n}`);
    const approvals = await world.approvals({ approvers });
    const [check] = await approvals.checkPeople();
    expect(check?.summary).toContain('The first 15 of 100');
    expect(world.people.lookups).toBe(15);
  });

  test('asks nothing where nobody is named', async () => {
    const approvals = await world.approvals({}, { options: {} });
    expect(await approvals.checkPeople()).toEqual([]);
    expect(world.people.lookups).toBe(0);
  });
});
