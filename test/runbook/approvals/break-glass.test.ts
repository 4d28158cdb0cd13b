import { DatabaseSync } from 'node:sqlite';
import { systemClock } from '../../../src/timing.ts';
import { describe, expect, test } from 'vitest';
import {
  createBreakGlassNotifier,
  toldKind,
} from '../../../src/runbook/escalation/break-glass-notifier.ts';
import type { BreakGlassNotifier } from '../../../src/runbook/escalation/break-glass-notifier.ts';
import type { Approvals } from '../../../src/runbook/approvals/approvals.ts';
import type { OptionPolicy } from '../../../src/runbook/approvals/policy.ts';
import type { Actor, ApprovalRequest } from '../../../src/runbook/approvals/request.ts';

import { refusalOf, valueOf } from './answers.ts';
import { ann, bob, buildRequest, cem } from './builders.ts';
import { useWorld } from './world.ts';
import { patienceMs } from '../../support/until.ts';
import type { Announcement } from '../../../src/runbook/approvals/notices.ts';

const world = useWorld();

const ask = { kind: 'idle-in-transaction', idleForMs: 600_000 } as const;
const root: Actor = { id: 'root', via: 'terminal' };
const breakGlass = { users: [ann.id], terminal: ['root'], actions: ['A'] } as const;

function openApprovals(option: Partial<OptionPolicy> = {}): Promise<Approvals> {
  return world.approvals(option, { breakGlass });
}

async function propose(approvals: Approvals): Promise<ApprovalRequest> {
  return valueOf(await approvals.propose({ target: 'shop', ask, actor: ann }));
}

test.for([
  ['in Slack, although it is their own', ann],
  ['at the terminal', root],
] as const)(
  'who is named runs it without a vote %s, and it is recorded as that',
  async ([, actor]) => {
    const approvals = await openApprovals({ votes: 2 });
    const { id } = await propose(approvals);
    const broken = valueOf(await approvals.breakGlass(id, actor, 'nobody answers'));
    expect(broken).toMatchObject({ state: 'approved', votes: [] });
    expect(broken.brokenGlass).toMatchObject({ by: actor, reason: 'nobody answers' });
    expect(valueOf(await approvals.settled(id))).toMatchObject({ state: 'done', votes: [] });
    const journal = await world.journal();
    const entries = await journal.entries(id);
    const entry = entries.find(({ kind }) => kind === 'break-glass');
    expect(entry?.body).toContain('nobody answers');
    expect(entry?.body).toContain(broken.hash);
    expect(entries.map(({ kind }) => kind)).not.toContain('vote');
    expect(await journal.verify()).toMatchObject({ ok: true });
  },
);

test('it is off unless somebody and something is named', async () => {
  const approvals = await world.approvals();
  const { id } = await propose(approvals);
  for (const actor of [ann, bob, root]) {
    expect(refusalOf(await approvals.breakGlass(id, actor, 'please')).kind).toBe('no-break-glass');
  }
  const otherAction = await world.approvals({}, { breakGlass: { ...breakGlass, actions: ['B'] } });
  const { id: other } = await propose(otherAction);
  expect(refusalOf(await otherAction.breakGlass(other, ann, 'please')).kind).toBe('no-break-glass');
  expect(world.remedy.runs).toBe(0);
});

test.for([
  ['an approver who is not named', bob],
  ['a user of the terminal who is not named', { id: 'daemon', via: 'terminal' }],
  ['a named Slack user’s id at the terminal', { ...ann, via: 'terminal' }],
  ['a named user of the terminal in Slack', { ...root, via: 'slack' }],
  ['a timer', { id: 'root', via: 'timer' }],
] as const)('%s cannot', async ([, actor]) => {
  const approvals = await openApprovals();
  const { id } = await propose(approvals);
  expect(refusalOf(await approvals.breakGlass(id, actor, 'please')).kind).toBe('no-break-glass');
  expect(valueOf(await approvals.get(id)).state).toBe('proposed');
});

test('a vote at the terminal is told of it, where it is open to them', async () => {
  const approvals = await openApprovals();
  const { id } = await propose(approvals);
  const command = `dbconn approve ${id} --break-glass --reason "why".`;
  expect(refusalOf(await approvals.approve(id, root)).next).toContain(command);
  const other: Actor = { id: 'daemon', via: 'terminal' };
  expect(refusalOf(await approvals.approve(id, other)).next).not.toContain('break-glass');
});

describe('it stands in for the votes and for nothing else:', () => {
  test('a reason is needed, and keeps no secret', async () => {
    const approvals = await openApprovals();
    const { id } = await propose(approvals);
    expect(refusalOf(await approvals.breakGlass(id, ann, ' ')).kind).toBe('reason-missing');
    valueOf(await approvals.breakGlass(id, ann, 'see postgres://app:hunter2@db/shop'));
    expect(JSON.stringify(valueOf(await approvals.settled(id)))).not.toContain('hunter2');
  });

  test('a stop holds', async () => {
    const approvals = await openApprovals();
    const { id } = await propose(approvals);
    await approvals.stop(cem);
    expect(refusalOf(await approvals.breakGlass(id, ann, 'please')).kind).toBe('stopped');
  });

  test('a cooldown holds', async () => {
    const approvals = await openApprovals({ cooldownMs: 120_000 });
    const first = await propose(approvals);
    valueOf(await approvals.approve(first.id, bob));
    await approvals.settled(first.id);
    world.remedy.alive.add(101).add(102);
    const { id } = await propose(approvals);
    expect(refusalOf(await approvals.breakGlass(id, ann, 'please')).kind).toBe('cooling-down');
  });

  test('an expiry holds', async () => {
    const approvals = await openApprovals();
    const { id, expiresAt } = await propose(approvals);
    world.clock.nowMs = Date.parse(expiresAt);
    expect(refusalOf(await approvals.breakGlass(id, ann, 'please')).kind).toBe('expired');
  });

  test('a decision holds', async () => {
    const approvals = await openApprovals();
    const { id } = await propose(approvals);
    await approvals.deny(id, bob);
    expect(refusalOf(await approvals.breakGlass(id, ann, 'please')).kind).toBe('denied');
  });
});

test('in the same moment as the last vote, at another replica, it runs once', async () => {
  for (let round = 0; round < 10; round += 1) {
    world.remedy.alive.add(101).add(102);
    const [left, right] = [await openApprovals(), await openApprovals()];
    const { id } = await propose(left);
    const answers = await Promise.all([
      left.approve(id, bob),
      right.breakGlass(id, ann, 'nobody answers'),
    ]);
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
    await Promise.all([left.settled(id), right.settled(id)]);
    const { votes, brokenGlass } = valueOf(await left.get(id));
    expect(votes.length + (brokenGlass === null ? 0 : 1)).toBe(1);
    expect(world.remedy.runs).toBe(round + 1);
  }
});

describe('while the person is looked up', () => {
  /** Answers the next look-up that way, after something else happened. */
  function during(happens: () => Promise<unknown>): void {
    const readPerson = world.people.readPerson.bind(world.people);
    world.people.readPerson = async (user) => {
      world.people.readPerson = readPerson;
      world.people.standings.set(ann.id, 'guest');
      await happens();
      return readPerson(user);
    };
  }

  test('a denial says more than what was found of them', async () => {
    const [left, right] = [await openApprovals(), await openApprovals()];
    const { id } = await propose(left);
    during(() => right.deny(id, bob));
    expect(refusalOf(await left.breakGlass(id, ann, 'please')).kind).toBe('denied');
  });

  test('so does a request that was changed past the journal', async () => {
    const approvals = await openApprovals();
    const { id } = await propose(approvals);
    during(() => {
      const database = new DatabaseSync(world.file);
      database.exec("UPDATE requests SET data = json_set(data, '$.votesNeeded', 0)");
      return Promise.resolve(database.close());
    });
    const { next } = refusalOf(await approvals.breakGlass(id, ann, 'please'));
    expect(next).toContain('journal verify');
    expect(world.remedy.runs).toBe(0);
  });
});

describe('the announcement', () => {
  const contacts = new Map([['shop', { onCall: 'S0ONCALL', databaseAdmins: 'S0DBA' }]]);
  const brokenGlass = { by: root, at: '2026-11-23T03:00:00.000Z', reason: 'nobody <!channel>' };

  /** What the channel hears, over a journal that others write too; `away` is a Slack that takes nothing. */
  async function listen(slack: { sent: Announcement[]; away?: boolean }): Promise<{
    readonly news: BreakGlassNotifier;
    readonly faults: unknown[];
  }> {
    const journal = await world.journal();
    const faults: unknown[] = [];
    const news = createBreakGlassNotifier({
      announcements: {
        announce: (one) =>
          slack.away === true
            ? Promise.reject(new Error('Slack is away'))
            : Promise.resolve(void slack.sent.push(one)),
      },
      channel: 'C1',
      contacts,
      journal,
      wasTold: async (id) => (await journal.entries(id)).some(({ kind }) => kind === toldKind),
      actions: ['A'],
      clock: { ...systemClock, now: () => world.clock.now() },
      onFault: (_id, error) => void faults.push(error),
    });
    return { news, faults };
  }

  test('calls who is on call, names who did it, and quotes the reason apart', async () => {
    const sent: Announcement[] = [];
    const { news } = await listen({ sent });
    const request = await buildRequest({ brokenGlass });
    news.tell(await buildRequest());
    news.tell(request);
    news.tell({ ...request, state: 'executing', version: 3 });
    await news.idle(patienceMs);
    expect(sent).toEqual([
      {
        to: 'C1',
        mention: 'S0ONCALL',
        headline:
          'Break-glass: root at the terminal ran option A for shop without the required votes. End 2 sessions idle in transaction for over 10 min.',
        quote: 'nobody <!channel>',
        key: 'break-glass/r1',
        mayStand: true,
      },
    ]);
  });

  test('is tried again where it could not be made', async () => {
    const slack = { sent: [] as Announcement[], away: true };
    const { news, faults } = await listen(slack);
    const request = await buildRequest({ brokenGlass: { ...brokenGlass, by: ann } });
    news.tell(request);
    await news.idle(patienceMs);
    slack.away = false;
    news.tell(request);
    await news.idle(patienceMs);
    expect(faults).toHaveLength(1);
    expect(slack.sent.map(({ headline }) => headline)).toEqual([
      expect.stringContaining('<@UANN> ran option A'),
    ]);
  });

  test('is made by a bot that was not there when it was done, and by one bot only', async () => {
    const approvals = await openApprovals();
    const { id } = await propose(approvals);
    valueOf(await approvals.breakGlass(id, root, 'nobody answers'));
    expect(valueOf(await approvals.settled(id)).state).toBe('done');
    const sent: Announcement[] = [];
    for (let bots = 0; bots < 3; bots += 1) {
      const { news } = await listen({ sent });
      await news.catchUp();
      await news.idle(patienceMs);
      await news.catchUp();
    }
    expect(sent).toHaveLength(1);
    expect(await (await world.journal()).verify()).toMatchObject({ ok: true });
  });
});
