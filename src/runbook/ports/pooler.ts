import type { Part, PoolerSnapshot } from '../snapshot/snapshot.ts';

/** The admin consoles of the PgBouncers in front of one target. They are only ever asked to show. */
export interface Poolers {
  /** All of them at once. Never throws: one that does not answer is something to say. Bounded by 2 s. */
  readPoolers(): Promise<Part<readonly PoolerSnapshot[]>>;
}
