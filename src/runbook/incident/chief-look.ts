import type { CauseName } from '../diagnose/diagnosis.ts';
import type { Incident, Observation } from './incident.ts';

type Observations = Pick<Incident, 'first' | 'last'>;

/** The look that knew best what the matter was: of two that are as sure, the first, from before anything was changed. */
export function bestDiagnosis({ first, last }: Observations): Observation | null {
  const [best = null] = [first, last]
    .filter((check) => check !== null)
    .filter(({ cause }) => cause !== null)
    .toSorted((a, b) => (b.confidence ?? 0) - (a.confidence ?? 0));
  return best;
}

/** What an incident is put down to, wherever it is named: on its message, in its report and in the history. */
export function causeOf(incident: Observations): CauseName | null {
  return bestDiagnosis(incident)?.cause ?? null;
}
