import type { Evidence } from './evidence.ts';
import type { WaitReading } from './activity-reading.ts';
import type { DatabaseReading, SessionReading } from '../snapshot/snapshot.ts';
import { sum } from '../snapshot/words.ts';

/** What keeps active sessions, by pg_stat_activity's wait events (PostgreSQL documentation 27.2.3). */
export type WaitClass =
  'lock' | 'storage' | 'internal-locks' | 'cpu' | 'client-wait' | 'replication' | 'other';

/** A class, with the sessions whose statement has run for over a second and their most frequent wait events. */
export interface ClassWaits {
  readonly class: WaitClass;
  readonly lasting: number;
  readonly events: readonly WaitReading[];
}

export function classOf({ type, event }: Pick<WaitReading, 'type' | 'event'>): WaitClass {
  if (event === 'SyncRep') return 'replication';
  switch (type) {
    case null:
      return 'cpu';
    case 'Lock':
      return 'lock';
    case 'IO':
      return 'storage';
    case 'LWLock':
    case 'BufferPin':
      return 'internal-locks';
    case 'Client':
      return 'client-wait';
    default:
      return 'other';
  }
}

/** The classes, the one with the most lasting sessions first. */
export function waitsByClass({ waits }: Pick<DatabaseReading, 'waits'>): readonly ClassWaits[] {
  return [...Map.groupBy(waits, classOf)]
    .map(([name, events]) => ({
      class: name,
      lasting: sum(events.map(({ lasting }) => lasting)),
      events: events.toSorted((a, b) => b.lasting - a.lasting),
    }))
    .toSorted((a, b) => b.lasting - a.lasting);
}

/** What the server itself is short of. */
export type Saturated = Extract<WaitClass, 'storage' | 'internal-locks' | 'cpu'>;

/** Fewer sessions are chance. */
const leastSessions = 3;
/** A smaller part of the connections does not explain why they run out. */
const leastShare = 0.2;
/** So many can compute at once on most servers; how many processors there are SQL does not tell. */
const fewComputing = 8;

/** Whether so many sessions are enough to name a trouble after what keeps them. */
export function isTelling(sessions: number, { reading }: Pick<Evidence, 'reading'>): boolean {
  const used = (reading?.counts.clients ?? 0) - (reading?.counts.own ?? 0);
  return sessions >= leastSessions && sessions >= used * leastShare;
}

/** What the server itself is short of, where most statements at work are slow for it; undefined where nothing tells. */
export function findSaturation(
  evidence: Pick<Evidence, 'reading'>,
): (ClassWaits & { readonly class: Saturated }) | undefined {
  if (evidence.reading === undefined) return undefined;
  const [most] = waitsByClass(evidence.reading).filter(({ class: name }) => name !== 'lock');
  if (most === undefined || !isTelling(most.lasting, evidence)) return undefined;
  switch (most.class) {
    case 'storage':
    case 'internal-locks':
      return { ...most, class: most.class };
    case 'cpu':
      return most.lasting > fewComputing ? { ...most, class: 'cpu' } : undefined;
    default:
      return undefined;
  }
}

/** Sessions that are at a statement for which their client is waited; undefined where too few are. */
export function findClientWaits(evidence: Pick<Evidence, 'reading'>): ClassWaits | undefined {
  if (evidence.reading === undefined) return undefined;
  const waits = waitsByClass(evidence.reading).find(({ class: name }) => name === 'client-wait');
  return waits !== undefined && isTelling(waits.lasting, evidence) ? waits : undefined;
}

/** Of the listed sessions those that wait for that class, the longest at their statement first. */
export function sessionsIn(
  name: WaitClass,
  sessions: readonly SessionReading[] = [],
): SessionReading[] {
  return sessions
    .filter(
      ({ state, own, backendType }) =>
        state === 'active' && !own && backendType === 'client backend',
    )
    .filter(({ waitEventType: type, waitEvent: event }) => classOf({ type, event }) === name)
    .toSorted((a, b) => (b.queryAgeSeconds ?? 0) - (a.queryAgeSeconds ?? 0));
}
