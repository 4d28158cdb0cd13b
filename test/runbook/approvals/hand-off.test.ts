import { beforeEach, describe, expect, test } from 'vitest';
import type { Approvals } from '../../../src/runbook/approvals/approvals.ts';
import type { Policy } from '../../../src/runbook/approvals/policy.ts';
import type { ApprovalRequest } from '../../../src/runbook/approvals/request.ts';
import { tellRequest } from '../../../src/runbook/incidents/record-request.ts';
import { describeOutcome } from '../../../src/runbook/reports/to-markdown.ts';
import { refuse } from '../../../src/runbook/remedies/remedy.ts';
import { change } from '../../../src/terminal/commands/change-command.ts';
import { plain } from '../../terminal/plain.ts';
import { valueOf } from './answers.ts';
import { ann, bob, buildPlan, byHand, cem } from './builders.ts';
import { useWorld } from './world.ts';

/** A plan that a person runs, from its votes to what came of it. */
const world = useWorld();
beforeEach(() => {
  world.remedy.plan = buildPlan({ byHand });
});

const root = { id: 'root', via: 'terminal' } as const;
const ask = { kind: 'idle-in-transaction', idleForMs: 600_000 } as const;

async function handed(policy: Partial<Policy> = {}): Promise<{ approvals: Approvals; id: string }> {
  const approvals = await world.approvals({}, policy);
  const { id } = valueOf(await approvals.propose({ target: 'shop', ask, actor: ann }));
  valueOf(await approvals.approve(id, bob));
  await approvals.settled(id);
  return { approvals, id };
}

async function read(approvals: Approvals, id: string): Promise<ApprovalRequest> {
  return valueOf(await approvals.get(id));
}

const kindOf = (answer: Awaited<ReturnType<Approvals['ranByHand']>>): string =>
  answer.ok ? 'done' : answer.refusal.kind;

test('the commands show once it is approved and not before, nowhere but for a handed request', async () => {
  const approvals = await world.approvals();
  const { id } = valueOf(await approvals.propose({ target: 'shop', ask, actor: ann }));
  expect(await approvals.commands(id)).toMatchObject({ refusal: { kind: 'not-approved' } });
  expect(kindOf(await approvals.ranByHand(id, bob))).toBe('not-approved');
  valueOf(await approvals.approve(id, bob));
  await approvals.settled(id);
  const request = await read(approvals, id);
  expect(request).toMatchObject({ state: 'handed', execution: { left: 2 } });
  const { commands } = valueOf(await approvals.commands(id));
  expect(commands.join('')).toContain('pg_terminate_backend');
  expect(world.remedy.runs).toBe(0);
  const stored = await (await world.journal()).entries();
  expect(JSON.stringify(stored)).not.toContain('pg_terminate_backend');
});

test('who ran it is recorded, once, and what came of it is seen as after any change', async () => {
  const { approvals, id } = await handed();
  world.remedy.alive.clear();
  world.remedy.used = 20;
  const presses = await Promise.all([bob, cem, ann].map((actor) => approvals.ranByHand(id, actor)));
  expect(presses.map(kindOf).toSorted()).toEqual(['done', 'verifying', 'verifying']);
  await approvals.settled(id);
  const ended = await read(approvals, id);
  expect(ended).toMatchObject({ state: 'done', result: { outcome: { word: 'partly' } } });
  expect([bob.id, cem.id, ann.id]).toContain(ended.handOff?.ranBy?.by.id);
  expect(kindOf(await approvals.ranByHand(id, cem))).toBe('done');
  expect(world.remedy.runs).toBe(0);
  expect(await (await world.journal()).verify()).toMatchObject({ ok: true });
});

test('a stop while the plan is held against reality shows nothing', async () => {
  const approvals = await world.approvals();
  const recheck = world.remedy.recheck.bind(world.remedy);
  world.remedy.recheck = async (plan) => {
    await approvals.stop(cem);
    return recheck(plan);
  };
  const { id } = valueOf(await approvals.propose({ target: 'shop', ask, actor: ann }));
  valueOf(await approvals.approve(id, bob));
  await approvals.settled(id);
  expect(await read(approvals, id)).toMatchObject({ state: 'failed', handOff: null });
});

describe('who may say that they ran it', () => {
  test('an approver or the proposer, and no one else', async () => {
    const { approvals, id } = await handed();
    const dan = { id: 'U0DAN', via: 'slack' } as const;
    expect(kindOf(await approvals.ranByHand(id, dan))).toBe('not-an-approver');
    expect(await approvals.ranByHand(id, ann)).toMatchObject({ ok: true });
  });

  test('not a guest, and not an approver who has left since', async () => {
    const { approvals, id } = await handed();
    world.people.standings.set(cem.id, 'guest');
    expect(kindOf(await approvals.ranByHand(id, cem))).toBe('not-a-member');
    world.people.standings.set(ann.id, 'deactivated');
    expect(kindOf(await approvals.ranByHand(id, ann))).toBe('not-a-member');
  });

  test('at the terminal only whom the configuration names as one of them', async () => {
    const { approvals, id } = await handed();
    expect(kindOf(await approvals.ranByHand(id, root))).toBe('not-an-approver');
    const named = await world.approvals({}, { terminalUsers: { root: cem.id } });
    expect(await named.ranByHand(id, root)).toMatchObject({
      value: { handOff: { ranBy: { by: root } } },
    });
  });
});

test('a stop blocks the commands and the press', async () => {
  const { approvals, id } = await handed();
  await approvals.stop(cem, 'wait');
  expect(await approvals.commands(id)).toMatchObject({ refusal: { kind: 'stopped' } });
  expect(kindOf(await approvals.ranByHand(id, bob))).toBe('stopped');
  await approvals.go(bob);
  expect(await approvals.ranByHand(id, bob)).toMatchObject({ ok: true });
});

test('it expires where no one says that they ran it, and blocks no other change until then', async () => {
  const { approvals, id } = await handed();
  const other = valueOf(await approvals.propose({ target: 'shop', ask, actor: ann }));
  world.remedy.plan = buildPlan();
  expect(await approvals.approve(other.id, cem)).toMatchObject({ ok: true });
  await approvals.settled(other.id);
  world.clock.nowMs += 15 * 60_000;
  expect(kindOf(await approvals.ranByHand(id, bob))).toBe('expired');
  expect(await read(approvals, id)).toMatchObject({ state: 'expired', result: null });
  expect(await approvals.commands(id)).toMatchObject({ ok: false });
});

test('a plan whose targets are gone shows no commands and is asked for again', async () => {
  const approvals = await world.approvals();
  const { id } = valueOf(await approvals.propose({ target: 'shop', ask, actor: ann }));
  world.remedy.alive.clear();
  valueOf(await approvals.approve(id, bob));
  await approvals.settled(id);
  expect(await read(approvals, id)).toMatchObject({ state: 'stale', handOff: null });
});

test('another process sees to the outcome where the one that heard the word died', async () => {
  const { approvals, id } = await handed();
  world.clock.stands = true;
  valueOf(await approvals.ranByHand(id, bob));
  await approvals.drain(0);
  world.clock.stands = false;
  const next = await world.approvals();
  expect(valueOf(await next.takeOver()).map((one) => one.id)).toEqual([id]);
  await next.settled(id);
  expect(await read(next, id)).toMatchObject({ state: 'done', handOff: { ranBy: { by: bob } } });
});

test('the terminal shows the same commands, and takes the same word', async () => {
  const { approvals, id } = await handed({ terminalUsers: { root: cem.id } });
  const parts = { approvals, actor: root, targets: [], dryRun: false, paint: plain };
  const shown = await change(parts, { kind: 'commands', id, reason: '' });
  expect(shown.text).toContain('pg_terminate_backend');
  expect(shown.text).toContain(`dbconn ran ${id}`);
  expect(shown.code).toBe(0);
  const ran = await change(parts, { kind: 'ran', id, reason: '' });
  expect(ran.text).toContain('2 still there.');
  const unknown = await change(
    { ...parts, actor: { id: 'eve', via: 'terminal' } },
    { kind: 'ran', id, reason: '' },
  );
  expect(unknown.code).toBe(3);
});

test('timeline and report say that it was run by hand, and by whom', async () => {
  const { approvals, id } = await handed();
  expect(tellRequest(await read(approvals, id)).sentence).toContain('ready to run by hand');
  expect(describeOutcome(await read(approvals, id))).toContain('Not confirmed yet as run by hand');
  const ran = valueOf(await approvals.ranByHand(id, bob));
  expect(tellRequest(ran)).toMatchObject({
    by: bob,
    sentence: `<@${bob.id}> ran option A by hand: ${ran.plan.title}.`,
  });
  await approvals.settled(id);
  const ended = await read(approvals, id);
  expect(tellRequest(ended).sentence).toContain(`Option A, run by <@${bob.id}> by hand:`);
  expect(describeOutcome(ended)).toContain(`Run by <@${bob.id}> by hand:`);
});

describe('what is handed over', () => {
  const other = buildPlan({ title: 'By hand' });

  async function preview(kind: string): Promise<unknown> {
    const { policyVersion: _version, plannedAt: _at, ...draft } = { ...other, byHand };
    const { remedy } = world;
    remedy.propose = (_ask?: unknown, instead?: unknown) =>
      Promise.resolve(
        instead === undefined ? refuse(kind, 'No.', 'Look.') : { ok: true, value: draft },
      );
    return (await world.approvals()).preview('shop', ask);
  }

  test.for(['privilege', 'unreachable', 'containers-unread', 'command-line', 'in-recovery'])(
    'a plan refused for lack of means: %s',
    async (kind) => {
      expect(await preview(kind)).toMatchObject({ ok: true, value: { title: 'By hand' } });
    },
  );

  test.for(['unreachable', 'containers-unread'])(
    'not a plan that dbconn can make again itself: %s at the first try',
    async (kind) => {
      const { remedy } = world;
      const plan = remedy.propose.bind(remedy);
      let tries = 0;
      remedy.propose = (_ask?: unknown, instead?: unknown) => {
        if (instead !== undefined) return Promise.resolve({ ok: true, value: other });
        tries += 1;
        return tries === 1 ? Promise.resolve(refuse(kind, 'No.', 'Look.')) : plan();
      };
      const planned = await (await world.approvals()).preview('shop', ask);
      expect(planned).toMatchObject({ ok: true, value: { title: buildPlan().title } });
    },
  );

  test.for(['over-budget', 'server-full', 'own-service', 'memory', 'pooler-hazard', 'skipped'])(
    'never one refused for its harm: %s',
    async (kind) => {
      expect(await preview(kind)).toMatchObject({ ok: false, refusal: { kind } });
    },
  );
});
