import type { Door } from '../runbook/approval/door.ts';
import type { Actor } from '../runbook/approval/actor.ts';
import type { Command } from '../runbook/commands.ts';
import type { Answer } from '../runbook/remedies/remedy.ts';
import { toAsk } from '../runbook/remedies/wanted.ts';
import type { Target } from '../runbook/target.ts';
import { exitCodes } from './exit-codes.ts';
import type { Paint } from './layout.ts';
import { wrap } from './layout.ts';
import type { OwnCommand } from './own-command.ts';
import { renderCommands } from './render-commands.ts';
import { renderEnd, renderRequests } from './render-requests.ts';
import { renderPlan, renderRefusal, withoutMentions } from './render-plan.ts';
import { refused } from './said.ts';
import type { Said } from './said.ts';

export type Change =
  Exclude<Command, { kind: 'look' | 'help' | 'incident' | 'record' }> | OwnCommand;

interface ChangeParts {
  readonly door: Door;
  readonly actor: Actor;
  readonly targets: readonly Target[];
  readonly dryRun: boolean;
  readonly paint: Paint;
}

/**
 * Through the same door as Slack. The terminal proposes, denies and stops; it cannot tell who sits in front of it,
 * and so it has no vote: only the exception that the configuration makes for named users of this machine.
 */
export async function change(parts: ChangeParts, asked: Change): Promise<Said> {
  const { door, actor, paint } = parts;
  switch (asked.kind) {
    case 'propose':
      return parts.dryRun || asked.isPreview ? preview(parts, asked) : propose(parts, asked);
    case 'requests':
      return said(await door.list(), (open) => renderRequests(open, paint));
    case 'stop':
      return said(await door.stop(actor, asked.reason), ({ by }) => {
        return `All changes are stopped, by ${by}. An approver lets them run again, in Slack: /dbconn go.`;
      });
    case 'go':
      return said(await door.go(actor, asked.reason), () => 'Changes may run again.');
    case 'approve':
      return said(await door.approve(asked.id, actor), () => 'Approved.');
    case 'break-glass':
      return breakGlass(parts, asked);
    case 'commands':
      return said(await door.commands(asked.id), (shown) => renderCommands(asked.id, shown, paint));
    case 'ran':
      return ranByHand(parts, asked);
    case 'deny':
      return said(await door.deny(asked.id, actor, asked.reason), () => 'Denied; nothing runs.');
    default:
      return refuseToCall(parts, asked);
  }
}

type Proposal = Extract<Command, { kind: 'propose' }>;

async function preview(
  { door, targets, paint }: ChangeParts,
  { wanted, target }: Proposal,
): Promise<Said> {
  const limits = targets.find(({ name }) => name === target)?.limits;
  if (limits === undefined) return noTarget;
  const planned = await door.preview(target, toAsk(wanted, limits));
  return said(planned, (plan) => `${renderPlan(plan, paint)}\n\nA dry run: nothing was recorded.`);
}

async function propose(
  { actor, door, targets, paint }: ChangeParts,
  { wanted, target }: Proposal,
): Promise<Said> {
  const limits = targets.find(({ name }) => name === target)?.limits;
  if (limits === undefined) return noTarget;
  const proposed = await door.propose({ target, ask: toAsk(wanted, limits), actor });
  return said(proposed, ({ id, plan, expiresAt, votesNeeded }) => {
    const votes = votesNeeded === 1 ? 'one approver' : `${votesNeeded} approvers`;
    const waits = `Recorded as request ${id}. It waits for ${votes} in Slack until ${expiresAt}; the bot that shares this journal posts it there within half a minute. Withdraw it with: dbconn deny ${id}`;
    return `${renderPlan(plan, paint)}\n\n${wrap(waits)}`;
  });
}

/** It runs in this process, which therefore stays until it is seen whether it helped. */
async function breakGlass(
  parts: ChangeParts,
  { id, reason }: Pick<OwnCommand, 'id' | 'reason'>,
): Promise<Said> {
  const broken = await parts.door.breakGlass(id, parts.actor, reason);
  if (!broken.ok) return said(broken, () => '');
  return untilEnded(parts, id);
}

/** Recorded as this user's, who must be one that the configuration names; then seen as `breakGlass` is. */
async function ranByHand(parts: ChangeParts, { id }: Pick<OwnCommand, 'id'>): Promise<Said> {
  const ran = await parts.door.ranByHand(id, parts.actor);
  return ran.ok ? untilEnded(parts, id) : said(ran, () => '');
}

async function untilEnded({ door, paint }: ChangeParts, id: string): Promise<Said> {
  const ended = await door.settled(id);
  if (!ended.ok) return said(ended, () => '');
  const { state, result } = ended.value;
  if (state === 'handed') {
    return said(await door.commands(id), (shown) => renderCommands(id, shown, paint));
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
): Said {
  const contacts = targets.find(({ name }) => name === target)?.contacts ?? {};
  const ids = Object.entries(contacts).map(([role, id]) => `${role} ${id}`);
  const whom = ids.length === 0 ? 'Nobody is configured as a contact.' : `${ids.join(', ')}.`;
  const text = `A call for help to ${ask.role} goes through Slack: /dbconn escalate there, or call them by hand. ${whom}`;
  return refused(wrap(text));
}

function said<T>(answer: Answer<T>, words: (value: T) => string): Said {
  if (!answer.ok) return refused(renderRefusal(answer.refusal));
  return { text: withoutMentions(words(answer.value)), code: exitCodes.fine };
}
