import type { Request } from '../approval/request.ts';

/** What became of a request, in a sentence of figures and configured names. */
export function sayFate({ state, result, closing, votes, votesNeeded }: Request): string {
  if (result?.outcome) return `${result.outcome.word}. ${result.outcome.sentence}`;
  if (result) return result.report.summary;
  if (closing !== null) return closing.sentence;
  return state === 'proposed'
    ? `Still waiting for votes, ${votes.length} of ${votesNeeded}.`
    : `Still ${state}.`;
}
