import type { CauseName } from '../diagnose/diagnosis.ts';
import type { Incident, Seen } from './incident.ts';

type Looks = Pick<Incident, 'first' | 'last'>;

/** The look that knew best what the matter was: of two that are as sure, the first, from before anything was changed. */
export function chiefLook({ first, last }: Looks): Seen | null {
  const [chief = null] = [first, last]
    .filter((look) => look !== null)
    .filter(({ cause }) => cause !== null)
    .toSorted((a, b) => (b.confidence ?? 0) - (a.confidence ?? 0));
  return chief;
}

/** What an incident is put down to, wherever it is named: on its message, in its report and in the history. */
export function causeOf(incident: Looks): CauseName | null {
  return chiefLook(incident)?.cause ?? null;
}
