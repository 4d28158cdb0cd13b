import type { Part } from '../diagnose/snapshot.ts';

/** The admin console of a PgBouncer in front of one target. It is only ever asked to show. */
export interface Pooler {
  /** Never throws: a pooler that does not answer is something to say. Bounded by 4 s. */
  readPooler(): Promise<Part<PoolerReading>>;
}

export interface PoolerReading {
  /** As PgBouncer names itself, such as `PgBouncer 1.18.0`. */
  readonly version: string;
  /** `session`, `transaction` or `statement`, unless a database or a user has its own. */
  readonly poolMode: string;
  readonly maxClientConnections: number;
  readonly defaultPoolSize: number;
  /** 0: none. */
  readonly maxDatabaseConnections: number;
  /** The fullest first, at most 50; its own console left out. */
  readonly pools: readonly PoolerPool[];
  readonly poolsTotal: number;
}

/** One row of SHOW POOLS. Database and user are untrusted text. */
export interface PoolerPool {
  readonly database: string;
  readonly user: string;
  readonly mode: string;
  readonly clientsActive: number;
  /** Clients that wait for a server connection. */
  readonly clientsWaiting: number;
  readonly serversActive: number;
  readonly serversIdle: number;
  /** How long the first of them has waited. */
  readonly longestWaitSeconds: number;
}
