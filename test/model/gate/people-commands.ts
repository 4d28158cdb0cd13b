import { constant, constantFrom, integer, oneof, record } from 'fast-check';
import type { Arbitrary } from 'fast-check';
import type { Actor, ApprovalRequest } from '../../../src/runbook/approvals/request.ts';
import { RequestState } from '../../../src/runbook/approvals/request.ts';
import type { Answer } from '../../../src/runbook/remedies/remedy.ts';
import { command, hold } from './command.ts';
import type { Known } from './known.ts';
import { targets } from './system.ts';
import type { GateSystem, Process } from './system.ts';

const inSlack = constant('slack' as const);
const approver = constantFrom('UBOB', 'UCEM', 'UDAN');
const id = oneof({ weight: 3, arbitrary: approver }, constantFrom('UANN', 'UEVE'));
const terminal = constantFrom('root', 'bobsh').map((user): Actor => ({
  id: user,
  via: 'terminal',
}));
/** Slack names a workspace with some clicks and not with others. */
const actor: Arbitrary<Actor> = oneof(
  { weight: 8, arbitrary: record({ id, via: inSlack }) },
  {
    weight: 2,
    arbitrary: record({ id, via: inSlack, team: constantFrom('T1', 'T2') }),
  },
  { weight: 1, arbitrary: terminal },
);
const process = integer({ min: 0, max: 1 });
/** From the newest back. */
const request = constantFrom(0, 0, 0, 0, 1, 1, 2, 3);
const ask = { kind: 'idle-in-transaction', idleForMs: 600_000 } as const;
const click = record({ process, request, actor });

export const propose = command(
  'propose',
  record({ process, target: constantFrom(...targets), actor }),
  async (system, { process: at, target, actor: by }) => {
    await system.process(at).approvals.propose({ target, ask, actor: by });
  },
);

interface Given {
  readonly process: number;
  readonly actor: Actor;
}

/** A vote on its way: it may count from now on, until it is refused. */
async function give(
  { approvals }: Pick<Process, 'approvals'>,
  known: Known,
  by: Actor,
): Promise<Answer<ApprovalRequest>> {
  known.asked.push(by.id);
  const answer = await approvals.approve(known.id, by);
  known.asked.splice(known.asked.indexOf(by.id), 1);
  if (answer.ok) known.votes.add(by.id);
  return answer;
}

function heed(system: GateSystem, process: Process, answer: Answer<ApprovalRequest>): void {
  if (answer.ok && answer.value.state === 'approved') system.begin(process, answer.value.id);
}

export const approve = command('approve', click, async (system, args) => {
  const { rules } = system;
  const known = rules.pick(args.request);
  if (known === undefined) return;
  const process = system.process(args.process);
  const reasons = rules.whyNoVote(known, args.actor, process.clock);
  const answer = await give(process, known, args.actor);
  heed(system, process, answer);
  hold(answer, reasons, rules);
});

const afterTheLast = ['busy', 'voted-already', 'cooling-down', ...RequestState.options];

/** Two votes in the same moment, at two processes or one. */
export const approveTogether = command(
  'approve together',
  record({ request, first: record({ process, actor }), second: record({ process, actor }) }),
  async (system, { request: which, first, second }) => {
    const { rules } = system;
    const known = rules.pick(which);
    if (known === undefined) return;
    const given: readonly Given[] = [first, second];
    const before = given.map((one) =>
      rules.whyNoVote(known, one.actor, system.process(one.process).clock),
    );
    const answers = await Promise.all(
      given.map((one) => give(system.process(one.process), known, one.actor)),
    );
    const approved = answers.filter((answer) => answer.ok && answer.value.state === 'approved');
    if (approved.length > 1) rules.broken.push('Two votes were the last one.');
    given.forEach((one, index) => {
      const answer = answers[index];
      const reasons = before[index];
      if (answer === undefined || reasons === undefined) return;
      heed(system, system.process(one.process), answer);
      // The other one may have been the last vote, or the same person's, and it may have run already.
      for (const kind of afterTheLast) reasons.may.add(kind);
      hold(answer, reasons, rules);
    });
  },
);

export const breakGlass = command('break glass', click, async (system, args) => {
  const { rules } = system;
  const known = rules.pick(args.request);
  if (known === undefined) return;
  const process = system.process(args.process);
  const reasons = rules.whyNoGlass(known, args.actor, process.clock);
  const { glass } = known;
  // What runs meanwhile is held against it; one that is refused takes nothing back of one before.
  if (reasons.must.size === 0) known.glass = args.actor;
  const answer = await process.approvals.breakGlass(known.id, args.actor, 'it burns');
  known.glass = answer.ok ? args.actor : glass;
  heed(system, process, answer);
  hold(answer, reasons, rules);
});

export const readCommands = command('read commands', click, async (system, args) => {
  const { rules } = system;
  const known = rules.pick(args.request);
  if (known === undefined) return;
  const { approvals, clock } = system.process(args.process);
  const reasons = rules.whyNoCommands(known, clock);
  hold(await approvals.commands(known.id), reasons, rules);
});

export const sayRan = command('ran it', click, async (system, args) => {
  const { rules } = system;
  const known = rules.pick(args.request);
  if (known === undefined) return;
  const process = system.process(args.process);
  const reasons = rules.whyNotRan(known, args.actor, process.clock);
  rules.saying = { id: known.id, actor: args.actor };
  const answer = await process.approvals.ranByHand(known.id, args.actor);
  rules.saying = null;
  if (answer.ok) system.begin(process, known.id);
  hold(answer, reasons, rules);
});

export const deny = command('deny', click, async (system, args) => {
  const { rules } = system;
  const known = rules.pick(args.request);
  if (known === undefined) return;
  const { approvals, clock } = system.process(args.process);
  const reasons = rules.whyNoDenial(known, args.actor, clock);
  hold(await approvals.deny(known.id, args.actor), reasons, rules);
});

export const withdraw = command('withdraw', click, async (system, args) => {
  const { rules } = system;
  const known = rules.pick(args.request);
  if (known === undefined) return;
  const { approvals, clock } = system.process(args.process);
  const reasons = rules.whyNoWithdrawal(known, args.actor, clock);
  hold(await approvals.withdraw(known.id, args.actor), reasons, rules);
});

export const stop = command('stop', record({ process, actor }), async (system, args) => {
  const answer = await system.process(args.process).approvals.stop(args.actor);
  if (!answer.ok) system.rules.broken.push('A stop was refused.');
  system.rules.stopped = true;
});

export const go = command('go', record({ process, actor }), async (system, args) => {
  const { rules } = system;
  const reasons = rules.whyNoGo(args.actor);
  const answer = await system.process(args.process).approvals.go(args.actor);
  hold(answer, reasons, rules);
  if (answer.ok) rules.stopped = false;
});
