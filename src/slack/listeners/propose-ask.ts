import type { Ask } from '../../runbook/remedies/ask.ts';
import type { Request } from '../../runbook/approval/request.ts';
import type { Answer } from '../../runbook/remedies/remedy.ts';
import { notice } from '../messages/notice.ts';
import type { Message } from '../messages/parts/message.ts';
import { planMessage } from '../messages/plan.ts';
import { refusalMessage } from '../messages/refusal.ts';
import type { Acting } from './acting.ts';

export interface Asked {
  readonly target: string;
  readonly ask: Ask;
  /** The request this one asks again for. */
  readonly supersedes?: string;
}

/** Proposes it, and answers once its card stands in the incident channel. */
export function proposeAsk({ changes, actor }: Acting, asked: Asked): Promise<Message> {
  return showProposal(changes, () => changes.door.propose({ ...asked, actor }));
}

/** Shows its plan to one person. */
export async function previewAsk({ changes }: Acting, { target, ask }: Asked): Promise<Message> {
  const planned = await changes.door.preview(target, ask);
  return planned.ok ? planMessage(planned.value) : refusalMessage(planned.refusal);
}

/** What is answered to whoever had a proposal made, by whatever way. */
export async function showProposal(
  { cards }: Acting['changes'],
  propose: () => Promise<Answer<Request>>,
): Promise<Message> {
  if (cards.channel === undefined) return notice(noChannel);
  const proposed = await propose();
  if (!proposed.ok) return refusalMessage(proposed.refusal);
  const { id, plan } = proposed.value;
  const problem = await cards.shown(id);
  return notice(
    problem === undefined
      ? `Proposed: ${plan.title}. It waits for approval in the incident channel.`
      : `It is recorded, but its card could not be posted in the incident channel (${problem}). Invite the bot there with /invite @dbconn; it tries again by itself every half minute.`,
  );
}

const noChannel =
  'There is no incident channel where a proposal could be approved. Set slack.channel in dbconn.yml to the id of #database.';
