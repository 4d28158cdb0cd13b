import { durationOfSeconds, percent } from '../../snapshot/words.ts';
import type { JudgeReason, ReasonCase } from './case.ts';

/** A first look may come before the picture is clear; after two minutes of looks it is as clear as it gets. */
const searchForMs = 2 * 60_000;
/** Below, a cause is a guess: the diagnosis names it with its confidence and acts on nothing. */
const sureFrom = 0.5;

/** "Cannot identify source of connection leak": nothing explains it, or the most belong to nobody known. */
export const judgeSourceNotIdentified: JudgeReason = (reasonCase) => {
  const { nowMs, sinceMs, diagnosis, isInTrouble } = reasonCase;
  if (diagnosis === null || !isInTrouble || nowMs - sinceMs < searchForMs) return null;
  const searched = `After ${durationOfSeconds((nowMs - sinceMs) / 1000)} of looking`;
  if (diagnosis.capacity === null && diagnosis.reach.error !== undefined) {
    return `${searched} nobody can say what holds the connections: PostgreSQL is ${diagnosis.reach.error.kind}.`;
  }
  const [likeliest] = diagnosis.causes;
  if (likeliest === undefined) return `${searched} none of the six causes fits.`;
  if (likeliest.confidence < sureFrom) {
    const name = likeliest.cause.replaceAll('-', ' ');
    return `${searched} the likeliest cause is ${name}, with a confidence of ${percent(likeliest.confidence)} only.`;
  }
  return unknownHolder(reasonCase, searched);
};

/** Its name is text out of the database, so it is left out. Without configured services nothing belongs to one. */
function unknownHolder({ diagnosis }: ReasonCase, searched: string): string | null {
  const largest = diagnosis?.holders[0];
  const usable = diagnosis?.capacity?.usable;
  if (largest === undefined || usable === undefined || diagnosis?.budget.lines.length === 0) {
    return null;
  }
  if (largest.service !== null) return null;
  return `${searched} the largest holder, with ${largest.total} of ${usable} slots, belongs to no configured service.`;
}
