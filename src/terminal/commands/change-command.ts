import type { Approvals } from '../../runbook/approvals/approvals.ts';
import type { Actor } from '../../runbook/approvals/request.ts';
import type { Command } from '../../runbook/commands/parse-command.ts';
import { toRemedyRequest } from '../../runbook/commands/parse-remedy.ts';
import type { Answer } from '../../runbook/remedies/remedy.ts';
import type { Target } from '../../runbook/snapshot/target.ts';
import type { OwnCommand } from '../arguments.ts';
import { exitCodes, refused, say, withProgress } from '../output.ts';
import type { CommandResult } from '../output.ts';
import { wrap } from '../render/layout.ts';
import type { Paint } from '../render/layout.ts';
import { renderPlan, renderRefusal, withoutMentions } from '../render/plan.ts';
import { renderCommands, renderEnd, renderRequests, renderStep } from '../render/requests.ts';
import type { App } from '../../app/deps.ts';

export type Change =
  Exclude<Command, { kind: 'look' | 'help' | 'incident' | 'record' }> | OwnCommand;

interface ChangeParts {
  readonly approvals: Approvals;
  readonly actor: Actor;
  readonly targets: readonly Target[];
  readonly dryRun: boolean;
  readonly paint: Paint;
}

/**
 * By the same rules as in Slack. The terminal proposes, denies and stops; it cannot tell who sits in front of it,
 * and so it has no vote: only the exception that the configuration makes for named users of this machine.
 */
export async function change(parts: ChangeParts, command: Change): Promise<CommandResult> {
  const { approvals, actor, paint } = parts;
  switch (command.kind) {
    case 'propose':
      return parts.dryRun || command.isPreview ? preview(parts, command) : propose(parts, command);
    case 'requests':
      return toResult(await approvals.list(), (open) => renderRequests(open, paint));
    case 'stop':
      return toResult(await approvals.stop(actor, command.reason), ({ by }) => {
        return `All changes are stopped by ${by}. An approver can resume them in Slack with /dbconn go.`;
      });
    case 'go':
      return toResult(await approvals.go(actor, command.reason), () => 'Changes may run again.');
    case 'approve':
      return toResult(await approvals.approve(command.id, actor), () => 'Approved.');
    case 'break-glass':
      return breakGlass(parts, command);
    case 'commands':
      return toResult(await approvals.commands(command.id), (shown) =>
        renderCommands(command.id, shown, paint),
      );
    case 'ran':
      return ranByHand(parts, command);
    case 'deny':
      return toResult(
        await approvals.deny(command.id, actor, command.reason),
        () => 'Denied; nothing runs.',
      );
    default:
      return refuseToCall(parts, command);
  }
}

type Proposal = Extract<Command, { kind: 'propose' }>;

async function preview(
  { approvals, targets, paint }: ChangeParts,
  { remedyCommand, target }: Proposal,
): Promise<CommandResult> {
  const limits = targets.find(({ name }) => name === target)?.limits;
  if (limits === undefined) return noTarget;
  const planned = await approvals.preview(target, toRemedyRequest(remedyCommand, limits));
  return toResult(
    planned,
    (plan) => `${renderPlan(plan, paint)}\n\nA dry run: nothing was recorded.`,
  );
}

async function propose(
  { actor, approvals, targets, paint }: ChangeParts,
  { remedyCommand, target }: Proposal,
): Promise<CommandResult> {
  const limits = targets.find(({ name }) => name === target)?.limits;
  if (limits === undefined) return noTarget;
  const proposed = await approvals.propose({
    target,
    ask: toRemedyRequest(remedyCommand, limits),
    actor,
  });
  return toResult(proposed, ({ id, plan, expiresAt, votesNeeded }) => {
    const votes = votesNeeded === 1 ? 'one approver' : `${votesNeeded} approvers`;
    const waits = `Recorded as request ${id}. It waits for ${votes} in Slack until ${expiresAt}. The bot on this journal posts it within half a minute. Withdraw it with: dbconn deny ${id}`;
    return `${renderPlan(plan, paint)}\n\n${wrap(waits)}`;
  });
}

/** It runs in this process, which therefore stays until it is seen whether it helped. */
async function breakGlass(
  parts: ChangeParts,
  { id, reason }: Pick<OwnCommand, 'id' | 'reason'>,
): Promise<CommandResult> {
  const broken = await parts.approvals.breakGlass(id, parts.actor, reason);
  if (!broken.ok) return toResult(broken, () => '');
  return untilEnded(parts, id);
}

/** Recorded as this user's, who must be one that the configuration names; then seen as `breakGlass` is. */
async function ranByHand(
  parts: ChangeParts,
  { id }: Pick<OwnCommand, 'id'>,
): Promise<CommandResult> {
  const ran = await parts.approvals.ranByHand(id, parts.actor);
  return ran.ok ? untilEnded(parts, id) : toResult(ran, () => '');
}

async function untilEnded({ approvals, paint }: ChangeParts, id: string): Promise<CommandResult> {
  const ended = await approvals.settled(id);
  if (!ended.ok) return toResult(ended, () => '');
  const { state, result } = ended.value;
  if (state === 'handed') {
    return toResult(await approvals.commands(id), (shown) => renderCommands(id, shown, paint));
  }
  const isWell = state === 'done' && result?.report.finished === true;
  return {
    text: renderEnd(ended.value, paint),
    code: isWell ? exitCodes.fine : exitCodes.critical,
  };
}

const noTarget = refused('There is no such target.');

/** The terminal does not speak to Slack. */
function refuseToCall(
  { targets }: ChangeParts,
  { ask, target }: Extract<Command, { kind: 'escalate' }>,
): CommandResult {
  const contacts = targets.find(({ name }) => name === target)?.contacts ?? {};
  const ids = Object.entries(contacts).map(([role, id]) => `${role} ${id}`);
  const whom = ids.length === 0 ? 'Nobody is configured as a contact.' : `${ids.join(', ')}.`;
  const text = `A call for help to ${ask.role} goes through Slack: /dbconn escalate there, or call them by hand. ${whom}`;
  return refused(wrap(text));
}

function toResult<T>(answer: Answer<T>, words: (value: T) => string): CommandResult {
  if (!answer.ok) return refused(renderRefusal(answer.refusal));
  return { text: withoutMentions(words(answer.value)), code: exitCodes.fine };
}

export interface ChangeCommandParts {
  readonly app: App;
  readonly actor: Actor;
  readonly paint: Paint;
  readonly dryRun: boolean;
}

/** Proposes, previews, denies, stops: by the same rules as in Slack. Throws JournalUnavailable. */
export async function runChangeCommand(
  { app, actor, paint, dryRun }: ChangeCommandParts,
  command: Change,
): Promise<CommandResult> {
  const listeners: Parameters<App['dryRun']>[0] = {
    // Only what the exception runs has steps here.
    onChange: (_, progress) => progress !== undefined && say(renderStep(progress)),
    onFault: (_, error) => console.error(error),
  };
  const approvals = await (dryRun ? app.dryRun(listeners) : app.approvals(listeners));
  const { targets } = (await app.targets()).monitor;
  return withProgress('Waiting', () =>
    change({ approvals, actor, targets, dryRun, paint }, command),
  );
}
