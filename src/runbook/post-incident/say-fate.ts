import type { Request } from '../approval/request.ts';
import { actorName } from '../incident/actor-name.ts';

/** What became of a request, in a sentence of figures and configured names. */
export function sayFate(request: Request): string {
  const by = request.handOff?.ranBy?.by;
  const fate = whatBecame(request);
  return by === undefined ? fate : `Run by ${actorName(by)} by hand: ${fate}`;
}

function whatBecame({ state, result, closing, votes, votesNeeded }: Request): string {
  if (result?.outcome) return `${result.outcome.word}. ${result.outcome.sentence}`;
  if (result) return result.report.summary;
  if (closing !== null) return closing.sentence;
  if (state === 'handed') return 'Approved, and nobody said yet that they ran it.';
  return state === 'proposed'
    ? `Still waiting for votes, ${votes.length} of ${votesNeeded}.`
    : `Still ${state}.`;
}
