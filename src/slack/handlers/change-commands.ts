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

/** What is answered to whoever had a proposal made, by whatever way. */
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
      : `It is recorded, but its card could not be posted in the incident channel (${problem}). Invite the bot there with /invite @dbconn; it tries again by itself every half minute.`,
  );
}

const noChannel =
  'There is no incident channel where a proposal could be approved. Set slack.channel in dbconn.yml to the id of #database.';

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
  return notice(
    'It begins without the votes it needs, and everybody is told who did that and why.',
  );
}

/** What somebody is told of the vote they just gave. */
export function voteMessage(decided: Answer<ApprovalRequest>): Message {
  return decided.ok ? notice(confirmation(decided.value)) : refusalMessage(decided.refusal);
}

function confirmation({ state, votes, votesNeeded, plan }: ApprovalRequest): string {
  if (state === 'denied') return 'You denied it; nothing runs.';
  if (state === 'withdrawn') return 'You withdrew it; nothing runs.';
  if (state === 'proposed') {
    return `Your vote counts: ${votes.length} of ${votesNeeded}. It waits for the others.`;
  }
  if (plan.byHand !== undefined) {
    return 'Your vote counts, and it was the last one needed: its commands show on the card, for a person to run.';
  }
  return 'Your vote counts, and it was the last one needed: it begins. Its thread tells each step.';
}
