import type { Diagnosis } from '../diagnose/diagnosis.ts';
import type { Target } from '../snapshot/target.ts';
import type { Incident, Observation } from './incident.ts';
import { judgeCheck } from './judge-look.ts';

/** What an incident knew before a look. */
interface Known {
  readonly before: Observation | null;
  /** A remedy has run: a look says whether it is over, and not any more what it was. */
  readonly isChanged: boolean;
}

/**
 * What an incident remembers of a look. A subject that no configuration names is text of a database, and stays out.
 * Below the warning line a cause is read from old log lines and the like, and after a change from what the change left
 * behind: there the one of the look before it stands.
 */
export function toObservation(
  diagnosis: Diagnosis,
  target: Target,
  { before, isChanged }: Known = { before: null, isChanged: false },
): Observation {
  const { takenAt, state, headline, verdict, capacity } = diagnosis;
  const [proposal] = diagnosis.proposals;
  const calm = judgeCheck(diagnosis, target) === 'calm';
  const isSettled = calm || (isChanged && (before?.cause ?? null) !== null);
  return {
    at: takenAt,
    state,
    headline,
    verdict,
    capacity: capacity === null ? null : { used: capacity.used, usable: capacity.usable },
    ...(isSettled ? causeBefore(before) : causeNow(diagnosis)),
    option: calm ? null : (proposal?.option ?? null),
    subject: calm ? (before?.subject ?? null) : configuredName(target, proposal?.subject ?? null),
  };
}

function causeNow({ causes: [cause] }: Diagnosis): Pick<Observation, 'cause' | 'confidence'> {
  return cause === undefined
    ? { cause: null }
    : { cause: cause.cause, confidence: cause.confidence };
}

function causeBefore(before: Observation | null): Pick<Observation, 'cause' | 'confidence'> {
  const { cause = null, confidence } = before ?? {};
  return { cause, ...(confidence !== undefined && { confidence }) };
}

/** The name if the configuration has it as a service's or its application's, else null. */
export function configuredName(
  { services }: Pick<Target, 'services'>,
  name: string | null,
): string | null {
  const isKnown = services.some((service) => name === service.name || name === service.application);
  return isKnown ? name : null;
}

/** In which words, not figures, a look differs from the one that was kept: empty where it does not. */
export function difference(kept: Observation | null, observation: Observation): string {
  if (kept === null) return 'first';
  const isSame =
    kept.state === observation.state &&
    kept.cause === observation.cause &&
    kept.option === observation.option &&
    kept.subject === observation.subject &&
    (kept.capacity === null) === (observation.capacity === null);
  if (isSame) return '';
  const { state, cause, option, subject, capacity } = observation;
  return [state, cause, option, subject, capacity === null ? 'unseen' : 'seen'].join(' ');
}

const ranks: Readonly<Record<Observation['state'], number>> = {
  fine: 0,
  warning: 1,
  unknown: 2,
  critical: 3,
};

/** Worse, or gone from sight: that is told at once, anything else when the next look says the same. */
export function isWorse(kept: Observation | null, observation: Observation): boolean {
  if (kept === null) return true;
  const isLost = kept.capacity !== null && observation.capacity === null;
  return isLost || ranks[observation.state] > ranks[kept.state];
}

/** A peak is news from five hundredths of the slots above the last one. */
export function isNewPeak(
  { peak }: Pick<Incident, 'peak'>,
  observation: { readonly used: number; readonly usable: number },
): boolean {
  return peak === null || observation.used >= peak.used + Math.max(1, observation.usable * 0.05);
}
