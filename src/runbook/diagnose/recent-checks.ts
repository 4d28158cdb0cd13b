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

function workOf({ capacity, sessions, blocking }: CurrentLoad): Work {
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
 * Whether most of what runs is one statement that takes far longer than usual, by the checks remembered; where none is,
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

/** The calmer quarter of the checks: the trouble may have begun half an hour ago. */
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

/** Used and usable slots of one look, and what ran then. */
export interface RecentCheck {
  readonly at: string;
  readonly used: number;
  readonly usable: number;
  /** As pg_stat_database had counted by then. */
  readonly deadlocks?: number;
  /** Active sessions that waited for no lock, and how long their queries had run: what is usual here. */
  readonly active?: number;
  readonly querySeconds?: number | null;
  /** Connections of the minute before that were still there. */
  readonly newIn60s?: number;
}

const minuteMs = 60_000;
const oldestMs = 60 * minuteMs;
/** The time that a forecast draws its line through; dbconn's own watch checks sixty times in it. */
const fineMs = 15 * minuteMs;
/** A shorter pause between checks, or a person's burst of them, grows nothing but the minutes before. */
const mostFine = 60;

type CheckedDiagnosis = Pick<Diagnosis, 'takenAt' | 'capacity'> &
  Partial<Pick<Diagnosis, 'sessions' | 'blocking' | 'deadlocks'>>;

/** The checks of one target's last hour, oldest first: every one of the last minutes, one a minute before; at most 121. */
export class RecentChecks {
  #checks: readonly RecentCheck[] = [];

  /** A look that did not see the capacity adds nothing. */
  add(check: CheckedDiagnosis, newIn60s?: number): void {
    const { takenAt, capacity, deadlocks = null } = check;
    if (capacity === null) return;
    const now = Date.parse(takenAt);
    const checks = this.#checks.filter(({ at }) => now - Date.parse(at) <= oldestMs);
    const young = checks.filter(({ at }) => now - Date.parse(at) <= fineMs);
    const fine = young.slice(1 - mostFine);
    this.#checks = [
      ...oneAMinute(checks.slice(0, checks.length - fine.length)),
      ...fine,
      {
        at: takenAt,
        used: capacity.used,
        usable: capacity.usable,
        ...(deadlocks !== null && { deadlocks }),
        ...(check.sessions !== undefined && workOf(check)),
        ...(newIn60s !== undefined && { newIn60s }),
      },
    ];
  }

  entries(): readonly RecentCheck[] {
    return this.#checks;
  }
}

/** The first of each minute: the same ones however often this is asked. */
function oneAMinute(checks: readonly RecentCheck[]): readonly RecentCheck[] {
  const minuteOf = ({ at }: RecentCheck): number => Math.floor(Date.parse(at) / minuteMs);
  return checks.filter((check, index) => {
    const before = checks[index - 1];
    return before === undefined || minuteOf(before) !== minuteOf(check);
  });
}
