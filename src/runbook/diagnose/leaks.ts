import type { LeakSuspect } from './diagnosis.ts';
import { commonName, toApplication } from './holder-name.ts';
import type { SessionReading } from '../snapshot/snapshot.ts';

/** More kinds of statements than these are no single place in the code. */
const mostSuspects = 20;

/**
 * Sessions that have lingered idle in transaction, grouped by application and last statement: many with the
 * same one point to the line of code that does not give its connection back. The largest group first.
 * @param lingeringMs how long one must have been silent; between two statements of a transaction at work
 * lie milliseconds, and a busy server always has a few such sessions
 */
export function findLeakSuspects(
  sessions: readonly SessionReading[],
  lingeringMs: number,
): LeakSuspect[] {
  const groups = new Map<string, SessionReading[]>();
  for (const session of sessions.filter((one) => isLingering(one, lingeringMs))) {
    const key = JSON.stringify([
      toApplication(session.application),
      session.fingerprint ?? session.query,
    ]);
    groups.set(key, [...(groups.get(key) ?? []), session]);
  }
  return [...groups.values()]
    .map(toSuspect)
    .toSorted((a, b) => b.sessions - a.sessions || b.oldestSeconds - a.oldestSeconds)
    .slice(0, mostSuspects);
}

/** Idle in transaction, aborted or not, for at least so long. */
export function isLingering(session: SessionReading, lingeringMs: number): boolean {
  const { own, state, stateAgeSeconds } = session;
  if (own || (stateAgeSeconds ?? 0) * 1_000 < lingeringMs) return false;
  return state === 'idle in transaction' || state === 'idle in transaction (aborted)';
}

function toSuspect(group: readonly SessionReading[]): LeakSuspect {
  const [first] = group;
  return {
    application: commonName(group.map(({ application }) => application)),
    fingerprint: first?.fingerprint ?? null,
    query: first?.query ?? null,
    sessions: group.length,
    oldestSeconds: Math.max(...group.map(({ stateAgeSeconds }) => stateAgeSeconds ?? 0)),
    hasWritten: group.filter(({ hasWritten }) => hasWritten).length,
  };
}
