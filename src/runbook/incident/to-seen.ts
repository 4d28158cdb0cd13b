import type { Diagnosis } from '../diagnose/diagnosis.ts';
import type { Target } from '../target.ts';
import type { Incident, Seen } from './incident.ts';
import { judgeLook } from './judge-look.ts';

/** What an incident knew before a look. */
interface Known {
  readonly before: Seen | null;
  /** A remedy has run: a look says whether it is over, and not any more what it was. */
  readonly isChanged: boolean;
}

/**
 * What an incident remembers of a look. A subject that no configuration names is text of a database, and stays out.
 * Below the warning line a cause is read from old log lines and the like, and after a change from what the change left
 * behind: there the one of the look before it stands.
 */
export function toSeen(
  diagnosis: Diagnosis,
  target: Target,
  { before, isChanged }: Known = { before: null, isChanged: false },
): Seen {
  const { takenAt, state, headline, verdict, capacity } = diagnosis;
  const [proposal] = diagnosis.proposals;
  const calm = judgeLook(diagnosis, target) === 'calm';
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

function causeNow({ causes: [cause] }: Diagnosis): Pick<Seen, 'cause' | 'confidence'> {
  return cause === undefined
    ? { cause: null }
    : { cause: cause.cause, confidence: cause.confidence };
}

function causeBefore(before: Seen | null): Pick<Seen, 'cause' | 'confidence'> {
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
export function difference(kept: Seen | null, seen: Seen): string {
  if (kept === null) return 'first';
  const isSame =
    kept.state === seen.state &&
    kept.cause === seen.cause &&
    kept.option === seen.option &&
    kept.subject === seen.subject &&
    (kept.capacity === null) === (seen.capacity === null);
  if (isSame) return '';
  const { state, cause, option, subject, capacity } = seen;
  return [state, cause, option, subject, capacity === null ? 'unseen' : 'seen'].join(' ');
}

const ranks: Readonly<Record<Seen['state'], number>> = {
  fine: 0,
  warning: 1,
  unknown: 2,
  critical: 3,
};

/** Worse, or gone from sight: that is told at once, anything else when the next look says the same. */
export function isWorse(kept: Seen | null, seen: Seen): boolean {
  if (kept === null) return true;
  const isLost = kept.capacity !== null && seen.capacity === null;
  return isLost || ranks[seen.state] > ranks[kept.state];
}

/** A peak is news from five hundredths of the slots above the last one. */
export function isNewPeak(
  { peak }: Pick<Incident, 'peak'>,
  seen: { readonly used: number; readonly usable: number },
): boolean {
  return peak === null || seen.used >= peak.used + Math.max(1, seen.usable * 0.05);
}
