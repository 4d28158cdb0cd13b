import type { Diagnosis } from './diagnosis.ts';

/** How much ran at a moment, and how long each had run. */
interface Work {
  /** Active sessions that wait for no lock, no client and no standby. */
  readonly active: number;
  /** How long those queries had run, the middle one of the longest; null when none ran. */
  readonly querySeconds: number | null;
}

/** Many queries, each far slower than usual and none slow enough by itself: a plan that flipped. */
export interface Dragging {
  readonly sessions: number;
  readonly seconds: number;
  /** What is usual; null where no look of a calmer time is remembered. */
  readonly usual: { readonly active: number; readonly seconds: number } | null;
}

type CurrentLoad = Pick<Diagnosis, 'capacity'> & Partial<Pick<Diagnosis, 'sessions' | 'blocking'>>;

export function workOf({ capacity, sessions, blocking }: CurrentLoad): Work {
  const work = running(sessions);
  const ages = work.map(({ queryAgeSeconds }) => queryAgeSeconds ?? 0);
  const active = Math.max(0, (capacity?.byState.active ?? 0) - (blocking?.waitersTotal ?? 0));
  const listed = unblocked(sessions).length;
  return {
    active: listed === 0 ? active : Math.round((active * work.length) / listed),
    querySeconds: quantile(ages, 0.5),
  };
}

function unblocked(sessions: Diagnosis['sessions'] = []): Diagnosis['sessions'] {
  return sessions.filter(
    ({ state, waitEventType }) => state === 'active' && waitEventType !== 'Lock',
  );
}

/** Neither waiting for its client nor, as a commit for its standby, for another process. */
function running(sessions: Diagnosis['sessions'] = []): Diagnosis['sessions'] {
  return unblocked(sessions).filter(
    ({ waitEventType }) => waitEventType !== 'Client' && waitEventType !== 'IPC',
  );
}

/** So long no statement of a busy application runs when all is well, whatever is usual. */
const leastSeconds = 1;
/** So many times what is usual is no busy hour. */
const muchSlower = 10;
const muchMore = 3;
/** One statement among many; a slow disk or a busy processor slows all of them down. */
const leastShare = 0.6;
const leastChecks = 3;

/**
 * Whether most of what runs is one statement that takes far longer than usual, by the looks remembered; where none is,
 * whether it takes seconds in most sessions there are.
 */
export function findDragging(
  now: CurrentLoad,
  checks: readonly Partial<Work>[],
): Dragging | undefined {
  const { active, querySeconds } = workOf(now);
  const used = now.capacity?.used ?? 0;
  if (querySeconds === null || querySeconds < leastSeconds || active < used * 0.2) return undefined;
  const share = shareOfOneStatement(now);
  if (share < leastShare) return undefined;
  const usual = usualWork(checks);
  const isUsual =
    usual === null
      ? active < used * 0.5
      : querySeconds < usual.seconds * muchSlower || active < usual.active * muchMore;
  return isUsual
    ? undefined
    : { sessions: Math.round(active * share), seconds: querySeconds, usual };
}

function shareOfOneStatement(now: CurrentLoad): number {
  const listed = running(now.sessions);
  const groups = Map.groupBy(listed, ({ fingerprint, pid }) => fingerprint ?? `${pid}`);
  const largest = Math.max(0, ...[...groups.values()].map(({ length }) => length));
  return largest / Math.max(1, listed.length);
}

/** The calmer quarter of the looks: the trouble may have begun half an hour ago. */
function usualWork(checks: readonly Partial<Work>[]): Dragging['usual'] {
  const known = checks.flatMap(({ active, querySeconds }) =>
    active === undefined ? [] : [{ active, seconds: querySeconds ?? 0 }],
  );
  if (known.length < leastChecks) return null;
  return {
    active:
      quantile(
        known.map(({ active }) => active),
        0.25,
      ) ?? 0,
    seconds:
      quantile(
        known.map(({ seconds }) => seconds),
        0.25,
      ) ?? 0,
  };
}

function quantile(values: readonly number[], share: number): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(share * (sorted.length - 1))] ?? null;
}
