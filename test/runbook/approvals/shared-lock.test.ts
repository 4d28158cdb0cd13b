import { beforeEach, expect, test } from 'vitest';
import type { Approvals } from '../../../src/runbook/approvals/approvals.ts';
import type { ApprovalRequest } from '../../../src/runbook/approvals/request.ts';
import type { Neighbourhood } from '../../../src/runbook/approvals/neighbours.ts';
import type { RemedyRequest } from '../../../src/runbook/remedies/remedy-request.ts';
import { done, refuse } from '../../../src/runbook/remedies/remedy.ts';
import type { Answer } from '../../../src/runbook/remedies/remedy.ts';
import { optionPolicy } from '../../support/option-policy.ts';
import { aReading, aSnapshot } from '../diagnose/builders.ts';
import { ann, bob } from './builders.ts';
import { ScriptedRemedy, useWorld } from './world.ts';

const ask = { kind: 'idle-in-transaction', idleForMs: 600_000 } as const;
const second = refuse('same-database', 'It is the same database.', 'Propose it for the other.');

const world = useWorld();
let around: Neighbourhood;
let remedies: Readonly<Record<string, ScriptedRemedy>>;
beforeEach(() => {
  around = {
    mayChange: done(null),
    onServer: ['shop', 'billing'],
    inProject: ['shop'],
    isCertain: true,
  };
  const billing = new ScriptedRemedy();
  billing.plan = { ...billing.plan, target: 'billing' };
  remedies = { shop: new ScriptedRemedy(), billing };
});

const rule = { ...optionPolicy, approvers: [bob.id] };

/** A replica that has both targets. */
function openApprovals(): Promise<Approvals> {
  const approvalTargets = Object.entries(remedies).map(([name, remedy]) => ({
    name,
    remedies: [remedy],
    takeSnapshot: () => Promise.resolve(aSnapshot({ reading: aReading() })),
    warningUtilisation: 0.8,
  }));
  const neighbourhood = (): Promise<Neighbourhood> => Promise.resolve(around);
  return world.approvals(
    {},
    { options: { A: rule, C: rule } },
    { approvalTargets, neighbourhood, verifyAfterMs: 0 },
  );
}

async function propose(
  approvals: Approvals,
  target: string,
  what: RemedyRequest = ask,
): Promise<ApprovalRequest> {
  return valueOf(await approvals.propose({ target, ask: what, actor: ann }));
}

function valueOf<T>(answer: Answer<T>): T {
  if (!answer.ok) throw new Error(answer.refusal.why);
  return answer.value;
}

test('a target found to be another one’s database refuses its proposal, its preview and its vote', async () => {
  const approvals = await openApprovals();
  const { id } = await propose(approvals, 'shop');
  around = { ...around, mayChange: second };
  expect(await approvals.propose({ target: 'shop', ask, actor: ann })).toEqual(second);
  expect(await approvals.preview('shop', ask)).toEqual(second);
  expect(await approvals.approve(id, bob)).toEqual(second);
});

test('a target found to be another one’s database after the vote is not changed', async () => {
  const approvals = await openApprovals();
  const { id } = await propose(approvals, 'shop');
  const approving = approvals.approve(id, bob);
  const approved = valueOf(await approving);
  around = { ...around, mayChange: second };
  expect(approved.state).toBe('approved');
  const { state, closing } = valueOf(await approvals.settled(id));
  expect({ state, sentence: closing?.sentence }).toEqual({
    state: 'failed',
    sentence: 'Nothing was done: It is the same database.',
  });
  expect(remedies['shop']?.runs).toBe(0);
});

test('while one target of a server is changed, a vote for another one of it is refused', async () => {
  const approvals = await openApprovals();
  const [shop, billing] = [await propose(approvals, 'shop'), await propose(approvals, 'billing')];
  let refused: Answer<ApprovalRequest> | undefined;
  const running = remedies['shop'];
  if (running === undefined) throw new Error('There is no such target.');
  running.during = async () => {
    refused = await approvals.approve(billing.id, bob);
  };
  await approvals.approve(shop.id, bob);
  await approvals.settled(shop.id);
  expect(refused).toEqual(
    refuse(
      'busy',
      'A change is running on shop, which is on the same server.',
      'Approve again when that one is done. Your approval was not counted.',
    ),
  );
  expect(valueOf(await approvals.approve(billing.id, bob)).state).toBe('approved');
  await approvals.settled(billing.id);
});

const restart = { kind: 'restart', service: 'backend' } as const;

/** What a vote for the one gets while the other one runs; both targets are on one project, with servers of their own. */
async function voteDuring(runs: RemedyRequest, voted: RemedyRequest): Promise<Answer<unknown>> {
  around = { ...around, onServer: [], inProject: ['shop', 'billing'] };
  for (const [name, what] of [
    ['shop', runs],
    ['billing', voted],
  ] as const) {
    const remedy = remedies[name];
    if (remedy === undefined) throw new Error('There is no such target.');
    remedy.option = what.kind === 'restart' ? 'C' : 'A';
    remedy.plan = { ...remedy.plan, option: remedy.option, ask: what };
  }
  const approvals = await openApprovals();
  const [shop, billing] = [
    await propose(approvals, 'shop', runs),
    await propose(approvals, 'billing', voted),
  ];
  const answers: Answer<ApprovalRequest>[] = [];
  const running = remedies['shop'];
  if (running !== undefined) {
    running.during = async () => void answers.push(await approvals.approve(billing.id, bob));
  }
  await approvals.approve(shop.id, bob);
  await approvals.settled(shop.id);
  const [answer] = answers;
  if (answer === undefined) throw new Error('It never ran.');
  if (answer.ok) await approvals.settled(billing.id);
  return answer;
}

test('while a service is restarted for one database, it is not restarted for another one of its project', async () => {
  expect(await voteDuring(restart, restart)).toMatchObject({
    ok: false,
    refusal: { why: 'A change is running on shop, which has the same containers.' },
  });
});

test.for<[string, RemedyRequest, RemedyRequest]>([
  ['sessions does not wait for the restart of containers', restart, ask],
  ['containers does not wait for an end of sessions', ask, restart],
])('on servers of their own a change of %s', async ([, runs, voted]) => {
  expect(await voteDuring(runs, voted)).toMatchObject({ ok: true });
});

test('two replicas that begin on one server in the same moment never change it together', async () => {
  const [left, right] = [await openApprovals(), await openApprovals()];
  const [shop, billing] = [await propose(left, 'shop'), await propose(right, 'billing')];
  let inside = 0;
  let most = 0;
  for (const remedy of Object.values(remedies)) {
    remedy.during = async () => {
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside -= 1;
    };
  }
  await Promise.all([left.approve(shop.id, bob), right.approve(billing.id, bob)]);
  await Promise.all([left.settled(shop.id), right.settled(billing.id)]);
  expect(most).toBeLessThan(2);
});
