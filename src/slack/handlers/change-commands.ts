import type { ApprovalRequest } from '../../runbook/approvals/request.ts';
import type { Command } from '../../runbook/commands/parse-command.ts';
import { toRemedyRequest } from '../../runbook/commands/parse-remedy.ts';
import type { RemedyRequest } from '../../runbook/remedies/remedy-request.ts';
import type { Answer } from '../../runbook/remedies/remedy.ts';
import type { Message } from '../messages/kit/message.ts';
import { notice, refusalMessage } from '../messages/notice.ts';
import { planMessage } from '../messages/plan.ts';
import { requestsMessage } from '../messages/request-card.ts';
import { onTarget } from './deps.ts';
import type { Interaction } from './deps.ts';
import { count } from '../../runbook/snapshot/words.ts';

export interface RemedyInput {
  readonly target: string;
  readonly ask: RemedyRequest;
  /** The request this one asks again for. */
  readonly supersedes?: string;
}

/** Proposes it, and answers once its card stands in the incident channel. */
export function proposeRemedy(on: Interaction, input: RemedyInput): Promise<Message> {
  const { approvals, actor } = on;
  return showProposal(on, () => approvals.propose({ ...input, actor }));
}

/** Shows its plan to one person. */
async function previewRemedy(
  { approvals }: Interaction,
  { target, ask }: RemedyInput,
): Promise<Message> {
  const planned = await approvals.preview(target, ask);
  return planned.ok ? planMessage(planned.value) : refusalMessage(planned.refusal);
}

/** What is answered to the person who had a proposal made, by whatever way. */
export async function showProposal(
  { cards }: Interaction,
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
      : `The request is recorded, but its card could not be posted in the incident channel (${problem}). Invite the bot with /invite @dbconn: it retries every 30 s.`,
  );
}

const noChannel =
  'No incident channel is configured, so nothing can be approved. Set slack.channel in dbconn.yml to the id of #database.';

export function propose(
  on: Interaction,
  { remedyCommand, target: name, isPreview }: Extract<Command, { kind: 'propose' }>,
): Promise<Message> {
  return onTarget(on, name, ({ limits }) => {
    const input = { target: name, ask: toRemedyRequest(remedyCommand, limits) };
    return isPreview ? previewRemedy(on, input) : proposeRemedy(on, input);
  });
}

export async function listOpen({ approvals }: Interaction): Promise<Message> {
  const open = await approvals.list();
  return open.ok ? requestsMessage(open.value) : refusalMessage(open.refusal);
}

export async function breakGlass(
  { approvals, actor }: Interaction,
  { id, reason }: Extract<Command, { kind: 'break-glass' }>,
): Promise<Message> {
  const broken = await approvals.breakGlass(id, actor, reason);
  if (!broken.ok) return refusalMessage(broken.refusal);
  return notice('It starts without approvals. Everyone will read who did this and why.');
}

/** What somebody is told of the vote they just gave. */
export function voteMessage(decided: Answer<ApprovalRequest>): Message {
  return decided.ok ? notice(confirmation(decided.value)) : refusalMessage(decided.refusal);
}

function confirmation({ state, votes, votesNeeded, plan }: ApprovalRequest): string {
  if (state === 'denied') return 'You denied it. Nothing runs.';
  if (state === 'withdrawn') return 'You withdrew it. Nothing runs.';
  if (state === 'proposed') {
    return `You approved it (${votes.length} of ${votesNeeded}). Nothing starts before ${count(votesNeeded - votes.length, 'more approval')}.`;
  }
  if (plan.byHand !== undefined) {
    return 'You approved it, and that was the last approval. The commands are on its card, for a person to run.';
  }
  return 'You approved it, and that was the last approval: it starts now. Its card shows each step.';
}
