import type { Evidence } from './evidence.ts';
import type { DatabaseReading, LockReading } from '../snapshot/snapshot.ts';

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
