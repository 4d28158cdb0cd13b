import type { ApprovalRequest } from '../approval/request.ts';
import { actorName } from '../incident/actor-name.ts';

/** What became of a request, in a sentence of figures and configured names. */
export function describeOutcome(request: ApprovalRequest): string {
  const by = request.handOff?.ranBy?.by;
  const became = whatBecame(request);
  return by === undefined ? became : `Run by ${actorName(by)} by hand: ${became}`;
}

function whatBecame({ state, result, closing, votes, votesNeeded }: ApprovalRequest): string {
  if (result?.outcome) return `${result.outcome.word}. ${result.outcome.sentence}`;
  if (result) return result.report.summary;
  if (closing !== null) return closing.sentence;
  if (state === 'handed') return 'Approved, and nobody said yet that they ran it.';
  return state === 'proposed'
    ? `Still waiting for votes, ${votes.length} of ${votesNeeded}.`
    : `Still ${state}.`;
}
