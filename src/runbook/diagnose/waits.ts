import type { ProgressReading, WaitReading } from '../snapshot/readings.ts';
import type { DatabaseReading, LockReading, SessionReading } from '../snapshot/snapshot.ts';
import { percent, sum } from '../snapshot/words.ts';
import type { Evidence } from './evidence.ts';

const minuteMs = 60_000;
/** So far back a deadlock is part of this trouble: the logs that are read reach about as far. */
const windowMs = 5 * minuteMs;

interface Deadlocks {
  readonly count: number;
  readonly seconds: number;
}

/**
 * Deadlocks between two looks of the last minutes, by pg_stat_database's counter. Undefined without an earlier look.
 * A reset in between, or a database that was dropped, makes the counter smaller: then none, for nobody knows.
 */
export function findDeadlocks({
  reading,
  history,
  snapshot,
}: Pick<Evidence, 'reading' | 'history' | 'snapshot'>): Deadlocks | undefined {
  if (reading === undefined) return undefined;
  const now = Date.parse(snapshot.takenAt);
  const resetAt = reading.statsResetAt === null ? 0 : Date.parse(reading.statsResetAt);
  const [since] = history.flatMap(({ at, deadlocks }) => {
    const ago = now - Date.parse(at);
    const counts =
      deadlocks !== undefined && ago > 0 && ago <= windowMs && Date.parse(at) > resetAt;
    return counts ? [{ deadlocks, ago }] : [];
  });
  if (since === undefined) return undefined;
  return { count: Math.max(0, reading.deadlocks - since.deadlocks), seconds: since.ago / 1_000 };
}

/** The waits that have lasted longer than the limit for contention, and the longest of all, in seconds. */
export function lastingWaits({
  blocking,
  reading,
  target,
}: Pick<Evidence, 'blocking' | 'reading' | 'target'>): {
  readonly count: number;
  readonly longestSeconds: number;
} {
  // PostgreSQL 13 does not tell since when a session waits; its query began before that.
  const queries = new Map(
    reading?.sessions.map(({ pid, queryAgeSeconds }) => [pid, queryAgeSeconds]),
  );
  const seconds = blocking.waiters.map(
    ({ pid, waitSeconds }) => waitSeconds ?? queries.get(pid) ?? 0,
  );
  return {
    count: seconds.filter((one) => one * 1_000 >= target.limits.lockWaitMs).length,
    longestSeconds: Math.max(0, ...seconds),
  };
}

/** The locks with how long each waits: where PostgreSQL (13) does not tell, as long as its query, as a plan takes it. */
export function withWaitSeconds({ locks, sessions }: DatabaseReading): LockReading {
  const queries = new Map(sessions.map(({ pid, queryAgeSeconds }) => [pid, queryAgeSeconds]));
  const waiters = locks.waiters.map((waiter) => ({
    ...waiter,
    waitSeconds: waiter.waitSeconds ?? queries.get(waiter.pid) ?? null,
  }));
  return { ...locks, waiters };
}

/** A root blocker that builds, rewrites or cleans up, and how far it is where PostgreSQL tells. */
interface Maintenance {
  readonly pid: number;
  readonly victims: number;
  /** PostgreSQL's words: `CREATE INDEX`, `ALTER`. */
  readonly command: string;
  readonly progress: ProgressReading | undefined;
  readonly session: SessionReading | undefined;
}

const verbs =
  /^(?:alter|analyze|cluster|copy|create (?:unique )?index|drop|reindex|refresh|truncate|vacuum)\b/i;

/** Autovacuum is no statement of anybody: it is left alone, and gives way by itself. */
export function findMaintenance({
  reading,
  blocking,
}: Pick<Evidence, 'reading' | 'blocking'>): Maintenance[] {
  return blocking.roots.flatMap((root): Maintenance[] => {
    if (!('pid' in root)) return [];
    const session = reading?.sessions.find(({ pid }) => pid === root.pid);
    if (
      session === undefined ||
      session.backendType !== 'client backend' ||
      session.state !== 'active'
    )
      return [];
    const progress = reading?.progress.find(({ pid }) => pid === root.pid);
    const verb = verbs.exec(session.query ?? '')?.[0].toUpperCase();
    const command = progress?.command ?? verb;
    return command === undefined ? [] : [{ ...root, command, progress, session }];
  });
}

/** ` (64 % of "building index")`, or as much of it as is known. */
export function describeProgress(progress: ProgressReading | undefined): string {
  if (progress === undefined) return '';
  const { phase, done, total } = progress;
  const share = total === null || total === 0 ? '' : percent((done ?? 0) / total);
  if (share === '') return phase === null ? '' : ` ("${phase}")`;
  return phase === null ? ` (${share})` : ` (${share} of "${phase}")`;
}

/** What keeps active sessions, by pg_stat_activity's wait events (PostgreSQL documentation 27.2.3). */
type WaitClass =
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
