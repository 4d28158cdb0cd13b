import type { ApprovalRequest } from '../../runbook/approval/request.ts';
import type { Answer } from '../../runbook/remedies/remedy.ts';
import { notice } from '../messages/notice.ts';
import type { Message } from '../messages/parts/message.ts';
import { refusalMessage } from '../messages/refusal.ts';

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
