import type { Door } from '../runbook/approval/door.ts';
import type { Actor } from '../runbook/approval/request.ts';
import type { Command } from '../runbook/commands.ts';
import type { Answer } from '../runbook/remedies/remedy.ts';
import { toAsk } from '../runbook/remedies/wanted.ts';
import type { Target } from '../runbook/target.ts';
import { exitCodes } from './exit-codes.ts';
import type { Paint } from './layout.ts';
import { wrap } from './layout.ts';
import { renderPlan, renderRefusal, withoutMentions } from './render-plan.ts';

/** Words of the terminal alone; the first is their request's id. */
export type OwnCommand = { readonly kind: 'approve' | 'deny'; readonly id: string } & {
  readonly reason: string;
};

export type Change =
  Extract<Command, { kind: 'propose' | 'stop' | 'go' | 'escalate' }> | OwnCommand;

export interface ChangeParts {
  readonly door: Door;
  readonly actor: Actor;
  readonly targets: readonly Target[];
  readonly dryRun: boolean;
  readonly paint: Paint;
}

/** What a change that was asked for in a terminal came to. */
export interface Said {
  readonly text: string;
  readonly code: number;
}

/** Reads `approve ID`, `deny ID [reason]`; undefined for every other word. */
export function parseOwnCommand([word, id, ...rest]: readonly string[]): OwnCommand | undefined {
  if (word !== 'approve' && word !== 'deny') return undefined;
  return { kind: word, id: id ?? '', reason: rest.join(' ') };
}

/**
 * Through the same door as Slack. The terminal proposes, denies and stops; it never approves, because it
 * cannot tell who sits in front of it.
 */
export async function change(parts: ChangeParts, asked: Change): Promise<Said> {
  const { door, actor } = parts;
  switch (asked.kind) {
    case 'propose':
      return parts.dryRun ? preview(parts, asked) : propose(parts, asked);
    case 'stop':
      return said(await door.stop(actor, asked.reason), ({ by }) => {
        return `All changes are stopped, by ${by}. An approver lets them run again, in Slack: /dbconn go.`;
      });
    case 'go':
      return said(await door.go(actor, asked.reason), () => 'Changes may run again.');
    case 'approve':
      return said(await door.approve(asked.id, actor), () => 'Approved.');
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

const noTarget: Said = { text: 'There is no such target.', code: exitCodes.unknown };

/** The terminal does not speak to Slack. */
function refuseToCall(
  { targets }: ChangeParts,
  { ask, target }: Extract<Command, { kind: 'escalate' }>,
): Said {
  const contacts = targets.find(({ name }) => name === target)?.contacts ?? {};
  const ids = Object.entries(contacts).map(([role, id]) => `${role} ${id}`);
  const whom = ids.length === 0 ? 'Nobody is configured as a contact.' : `${ids.join(', ')}.`;
  const text = `A call for help to ${ask.role} goes through Slack: /dbconn escalate there, or call them by hand. ${whom}`;
  return { text: wrap(text), code: exitCodes.unknown };
}

function said<T>(answer: Answer<T>, words: (value: T) => string): Said {
  if (!answer.ok) return { text: renderRefusal(answer.refusal), code: exitCodes.unknown };
  return { text: withoutMentions(words(answer.value)), code: exitCodes.fine };
}
