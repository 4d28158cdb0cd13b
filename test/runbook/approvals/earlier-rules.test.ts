import { expect, test } from 'vitest';
import type { Approvals } from '../../../src/runbook/approvals/approvals.ts';
import { defaultPolicy } from '../../../src/runbook/approvals/policy.ts';
import type { OptionPolicy, Policy } from '../../../src/runbook/approvals/policy.ts';
import type { ApprovalRequest } from '../../../src/runbook/approvals/request.ts';
import { optionPolicy } from '../../support/option-policy.ts';
import { refusalOf, valueOf } from './answers.ts';
import { ann, bob, cem } from './builders.ts';
import { useWorld } from './world.ts';

const world = useWorld();
const root = { id: 'root', via: 'terminal' } as const;

const ask = { kind: 'idle-in-transaction', idleForMs: 600_000 } as const;

async function propose(approvals: Approvals): Promise<ApprovalRequest> {
  return valueOf(await approvals.propose({ target: 'shop', ask, actor: ann }));
}

function rules(option: Partial<OptionPolicy> = {}, policy: Partial<Policy> = {}): Policy {
  const A = { ...optionPolicy, approvers: [bob.id, cem.id], ...option };
  return { ...defaultPolicy, options: { A }, ...policy };
}

const exception = (terminal: readonly string[]): Pick<Policy, 'breakGlass'> => ({
  breakGlass: { users: [], terminal, actions: ['A'] },
});

/** After the rules changed from the first to the second. */
function after(before: Policy, now: Policy): Promise<Approvals> {
  return world.approvals({}, now, { earlierPolicies: [before] });
}

test('a request is voted on, run and verified by the rules it was proposed under', async () => {
  const before = rules();
  const request = await propose(await world.approvals({}, before));
  const approvals = await after(before, rules({ approvers: [cem.id], votes: 2 }));
  expect(await approvals.rulesFor(request)).toMatchObject({ votes: 1 });
  expect(valueOf(await approvals.approve(request.id, bob)).state).toBe('approved');
  expect(valueOf(await approvals.settled(request.id)).state).toBe('done');
});

test('somebody named only since is no approver of what was proposed before', async () => {
  const before = rules({ approvers: [bob.id] });
  const { id } = await propose(await world.approvals({}, before));
  const approvals = await after(before, rules({ approvers: [bob.id, cem.id] }));
  expect(refusalOf(await approvals.approve(id, cem)).kind).toBe('not-an-approver');
});

test('an approver of then who has left the workspace since has no vote', async () => {
  const before = rules();
  const { id } = await propose(await world.approvals({}, before));
  const approvals = await after(before, rules({ approvers: [cem.id] }));
  world.people.standings.set(bob.id, 'deactivated');
  expect(refusalOf(await approvals.approve(id, bob)).kind).toBe('not-a-member');
});

test('an approver who is named no more can still deny it, and anybody can stop it', async () => {
  const before = rules();
  const { id } = await propose(await world.approvals({}, before));
  const approvals = await after(before, rules({ approvers: [cem.id] }));
  await approvals.stop(ann, 'wait');
  expect(refusalOf(await approvals.approve(id, bob)).kind).toBe('stopped');
  expect(valueOf(await approvals.deny(id, bob)).state).toBe('denied');
});

test('a process that never had those rules does not run it', async () => {
  const { id } = await propose(await world.approvals({}, rules()));
  const approvals = await world.approvals({}, rules({ votes: 2 }));
  expect(refusalOf(await approvals.approve(id, bob)).why).toContain('rules changed');
});

test('where nothing may be changed any more, earlier rules let nothing run', async () => {
  const before = rules();
  const { id } = await propose(await world.approvals({}, before));
  const approvals = await after(before, rules({}, { readOnly: true }));
  expect(refusalOf(await approvals.approve(id, bob)).why).toContain('rules changed');
  expect(valueOf(await approvals.get(id)).state).toBe('stale');
});

test.for([
  ['then and now', ['root'], ['root'], true],
  ['only then', ['root'], [], false],
  ['only now', [], ['root'], false],
] as const)('who may run it alone is named %s: %s', async ([, then, now, may]) => {
  const before = rules({}, exception(then));
  const { id } = await propose(await world.approvals({}, before));
  const approvals = await after(before, rules({ votes: 2 }, exception(now)));
  const broken = await approvals.breakGlass(id, root, 'it burns');
  expect(broken.ok).toBe(may);
  await approvals.settled(id);
});

test('what waits for votes on a removed target is withdrawn, and what is on another one is not', async () => {
  const { id } = await propose(await world.approvals());
  const elsewhere = await world.approvals({}, {}, { removedTargets: ['till'] });
  expect(valueOf(await elsewhere.sweep())).toEqual([]);
  const removed = await world.approvals({}, {}, { removedTargets: ['shop'] });
  expect(valueOf(await removed.sweep())).toMatchObject([
    { id, state: 'withdrawn', closing: { by: null } },
  ]);
});
