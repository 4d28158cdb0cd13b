import type { LockReading, WaiterReading } from '../snapshot/snapshot.ts';
import { durationOfMs } from '../snapshot/words.ts';
import { analyseLocks } from './locks.ts';
import type { LockAnalysis } from './locks.ts';

/** A session in the way. */
export interface Obstacle {
  readonly pid: number;
  /** Waits itself; those counted go on once its statement is cancelled. */
  readonly queued: boolean;
  /** Distinct sessions that wait for it, directly or through others. */
  readonly victims: number;
  /** Their pids, oldest wait first. */
  readonly waiters: readonly number[];
  readonly longestWaitSeconds: number;
}

/** Enough to choose from; more blockers at once are another trouble than blocking. */
const mostRoots = 50;
/** Each is weighed by the whole pile-up without it. */
const mostQueued = 20;
/** Fewer behind it, and its own blocker is the better target. */
const leastFollowers = 2;

/** Whom the pile-up consists of: queued statements that others wait behind, and blockers that do not wait. */
export function readCandidatePids(reading: LockReading): readonly number[] {
  const analysis = analyseLocks(reading);
  const roots = analysis.blocking.roots.flatMap((root) => ('pid' in root ? root.pid : []));
  const queued = queuedIn(reading, analysis).map(({ pid }) => pid);
  return [...queued, ...roots.slice(0, mostRoots)];
}

/**
 * The cheapest way out: first the queued statements whose cancel frees those behind them at once, the one that frees
 * most first; then the roots for whatever still waits after that, most victims first. A root that holds up nobody
 * but queued statements that are cancelled has no victims left.
 */
export function findObstacles(
  reading: LockReading,
  mayStop: (pid: number) => boolean,
  analysis: LockAnalysis = analyseLocks(reading),
): readonly Obstacle[] {
  let { waiters } = reading;
  const found: Obstacle[] = [];
  const queue = queuedIn(reading, analysis).filter(({ pid }) => mayStop(pid));
  let held = queue.length === 0 ? waiters : stuck(waiters);
  for (const { pid } of queue) {
    const without = withoutPid(waiters, pid);
    const still = stuck(without);
    const stillPids = new Set(still.map((waiter) => waiter.pid));
    const freed = held.filter((waiter) => waiter.pid !== pid && !stillPids.has(waiter.pid));
    if (freed.length < leastFollowers) continue;
    found.push({ pid, queued: true, ...score(freed) });
    waiters = without;
    held = still;
  }
  const { roots, cycles } = analysis.blocking;
  // With one root and no ring everybody waits for it.
  const only = found.length === 0 && roots.length === 1 && cycles.length === 0;
  const ends = roots.flatMap((root): Obstacle[] =>
    'pid' in root
      ? [
          {
            pid: root.pid,
            queued: false,
            ...score(only ? waiters : behind(waiters, [root.pid])),
          },
        ]
      : [],
  );
  return [...found, ...ends.toSorted((a, b) => b.victims - a.victims || a.pid - b.pid)];
}

/** Why it need not be stopped, or null when it has to be. */
export function whyNoObstacle(
  { queued, victims, longestWaitSeconds }: Obstacle,
  lockWaitMs: number,
): string | null {
  if (queued) return null;
  if (victims === 0) return 'it blocks nobody once the queued statement is cancelled';
  return longestWaitSeconds * 1000 < lockWaitMs
    ? `no session has waited for it for ${durationOfMs(lockWaitMs)} yet`
    : null;
}

/** Whether what it waits for keeps others waiting behind it. */
function isExclusive({ lock }: WaiterReading): boolean {
  return /^relation (?:AccessExclusive|Exclusive|ShareRowExclusive|Share)Lock/.test(lock);
}

/** The waiters that stand behind these pids, however long the way. */
export function behind(
  waiters: readonly WaiterReading[],
  pids: readonly number[],
): readonly WaiterReading[] {
  const queues = new Map<number, WaiterReading[]>();
  for (const waiter of waiters) {
    for (const blocker of waiter.waitsFor) {
      const queue = queues.get(blocker);
      if (queue === undefined) queues.set(blocker, [waiter]);
      else queue.push(waiter);
    }
  }
  const reached = new Set<WaiterReading>();
  const next = [...pids];
  for (let pid = next.pop(); pid !== undefined; pid = next.pop()) {
    for (const waiter of queues.get(pid) ?? []) {
      if (reached.has(waiter)) continue;
      reached.add(waiter);
      next.push(waiter.pid);
    }
  }
  return [...reached].filter(({ pid }) => !pids.includes(pid));
}

/** Who waits for this pid itself: what the server can be asked to confirm. */
export function directlyBehind({ waiters }: LockReading, pid: number): readonly number[] {
  return waiters.filter(({ waitsFor }) => waitsFor.includes(pid)).map((waiter) => waiter.pid);
}

/** Waiters that somebody holds up who does not wait: the others go on by themselves. */
function stuck(waiters: readonly WaiterReading[]): readonly WaiterReading[] {
  const waiting = new Set(waiters.map(({ pid }) => pid));
  const blockers = new Set(waiters.flatMap(({ waitsFor }) => waitsFor));
  return behind(
    waiters,
    [...blockers].filter((pid) => !waiting.has(pid)),
  );
}

/** Without it and without waiting for it. */
function withoutPid(waiters: readonly WaiterReading[], gone: number): readonly WaiterReading[] {
  return waiters
    .filter(({ pid }) => pid !== gone)
    .map((waiter) => ({ ...waiter, waitsFor: waiter.waitsFor.filter((pid) => pid !== gone) }));
}

/** Statements that wait for a lock nobody may share, with more than one behind them: most followers first. */
function queuedIn(reading: LockReading, { followers }: LockAnalysis): readonly WaiterReading[] {
  const of = ({ pid }: WaiterReading): number => followers.get(pid) ?? 0;
  return reading.waiters
    .filter((waiter) => isExclusive(waiter) && of(waiter) >= leastFollowers)
    .toSorted((a, b) => of(b) - of(a))
    .slice(0, mostQueued);
}

function score(
  victims: readonly WaiterReading[],
): Pick<Obstacle, 'victims' | 'waiters' | 'longestWaitSeconds'> {
  const waits = victims.map(({ waitSeconds }) => waitSeconds ?? 0);
  return {
    victims: victims.length,
    waiters: victims.map(({ pid }) => pid),
    longestWaitSeconds: Math.max(0, ...waits),
  };
}
