import type { RemedyRequest } from '../../runbook/remedies/ask.ts';
import type { ApprovalRequest } from '../../runbook/approval/request.ts';
import type { Answer } from '../../runbook/remedies/remedy.ts';
import { notice } from '../messages/notice.ts';
import type { Message } from '../messages/parts/message.ts';
import { planMessage } from '../messages/plan.ts';
import { refusalMessage } from '../messages/refusal.ts';
import type { ActionContext } from './acting.ts';

export interface RemedyInput {
  readonly target: string;
  readonly ask: RemedyRequest;
  /** The request this one asks again for. */
  readonly supersedes?: string;
}

/** Proposes it, and answers once its card stands in the incident channel. */
export function proposeRemedy(
  { changes, actor }: ActionContext,
  input: RemedyInput,
): Promise<Message> {
  return showProposal(changes, () => changes.approvals.propose({ ...input, actor }));
}

/** Shows its plan to one person. */
export async function previewRemedy(
  { changes }: ActionContext,
  { target, ask }: RemedyInput,
): Promise<Message> {
  const planned = await changes.approvals.preview(target, ask);
  return planned.ok ? planMessage(planned.value) : refusalMessage(planned.refusal);
}

/** What is answered to whoever had a proposal made, by whatever way. */
export async function showProposal(
  { cards }: ActionContext['changes'],
  propose: () => Promise<Answer<ApprovalRequest>>,
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
