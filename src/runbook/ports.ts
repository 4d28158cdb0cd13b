import type {
  DatabaseLook,
  Part,
  PoolEndpointLook,
  ServiceLogs,
  ServicesReading,
} from './diagnose/snapshot.ts';

/** Everything the runbook needs from the world. Adapters implement these and know nothing of one another. */

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  sleep(ms: number): Promise<void>;
}

/** One target's PostgreSQL. */
export interface Database {
  /** Never throws: not reaching the database is this program's subject. Bounded by 4 s. */
  readLook(): Promise<DatabaseLook>;
  close(): Promise<void>;
}

/** The containers around one target. */
export interface Services {
  readServices(): Promise<Part<ServicesReading>>;
  readLogs(): Promise<Part<readonly ServiceLogs[]>>;
}

/** The applications' connection pools of one target. */
export interface Pools {
  readPools(): Promise<Part<readonly PoolEndpointLook[]>>;
}
