import type { Evidence } from './evidence.ts';

const minuteMs = 60_000;
/** So far back a deadlock is part of this trouble: the logs that are read reach about as far. */
const windowMs = 5 * minuteMs;

export interface Deadlocks {
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
