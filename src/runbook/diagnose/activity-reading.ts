/** Sessions with one wait event; both names are null for those that compute. */
export interface WaitReading {
  /** wait_event_type of pg_stat_activity. */
  readonly type: string | null;
  readonly event: string | null;
  readonly sessions: number;
  /** Of those the ones whose statement has run for over a second. */
  readonly lasting: number;
}

export interface ProgressReading {
  readonly pid: number;
  /** `CREATE INDEX`, `VACUUM FULL`, `COPY` … */
  readonly command: string;
  readonly phase: string | null;
  /** Of the phase, in blocks, tuples or bytes; a total of 0 is not known. */
  readonly done: number | null;
  readonly total: number | null;
  readonly relation: string | null;
}

/** Clients with track_activities off: where they wait is all that is left of their state. */
export interface UntrackedReading {
  readonly sessions: number;
  /** They wait for their client; null before PostgreSQL 14, which does not show it. */
  readonly resting: number | null;
  /** Of those the ones that hold a transaction; before PostgreSQL 14 all that hold one. */
  readonly inTransaction: number;
}

/** A prepared transaction. */
export interface PreparedReading {
  readonly gid: string;
  readonly owner: string;
  readonly database: string;
  readonly ageSeconds: number;
}

/** Client backends unless the name says otherwise. dbconn's own session is counted in `clients` and `own`. */
export interface SessionCounts {
  readonly clients: number;
  readonly active: number;
  readonly idle: number;
  readonly idleInTransaction: number;
  readonly idleInTransactionAborted: number;
  readonly starting: number;
  /** fastpath, disabled, or a state this role may not see. */
  readonly other: number;
  readonly own: number;
  readonly superuser: number;
  readonly hidden: number;
  readonly lockWaiting: number;
  /** Connections of the last 10 s, 1 min and 5 min that are still there. */
  readonly newIn10s: number;
  readonly newIn60s: number;
  readonly newIn300s: number;
  readonly idleInTransactionOverWarning: number;
  readonly idleInTransactionOverTerminate: number;
  readonly idleOverTerminate: number;
  /** Neither those that wait for a lock or their client, nor maintenance, nor commits. */
  readonly slowQueries: number;
  /** As long at their statement, and waiting for their client to read or send. */
  readonly slowClients: number;
  /** Committed here, and waiting for a synchronous standby to say so too. */
  readonly committing: number;
  readonly walsenders: number;
  readonly parallelWorkers: number;
  readonly autovacuumWorkers: number;
  /** Every row of pg_stat_activity, background processes included. */
  readonly processes: number;
}
