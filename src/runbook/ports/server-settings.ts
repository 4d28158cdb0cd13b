import type { Lease } from '../remedies/lease.ts';
/** What option B reads and writes of one target's PostgreSQL, as the acting role. */
export interface ServerSettings {
  /** Everything a change of max_connections has to heed. Throws PrivilegedUnavailable. */
  readMaxConnections(): Promise<MaxConnectionsReading>;
  /**
   * ALTER SYSTEM SET, or RESET with null. It is in force after a restart only.
   * Throws PrivilegedUnavailable, also where PostgreSQL refuses it.
   */
  alterMaxConnections(to: number | null, lease: Lease): Promise<void>;
  /** So that the shutdown that follows has little left to write. Throws PrivilegedUnavailable when the connection is lost. */
  writeCheckpoint(): Promise<'written' | 'not allowed' | 'too slow'>;
  /** Whether PostgreSQL takes connections: while it restarts, not reaching it is an answer and no error. */
  readAcceptance(): Promise<Acceptance>;
}

export type Acceptance =
  | {
      readonly state: 'accepting';
      /** Null when it refused our login, which only a server that is up does. */
      readonly maxConnections: number | null;
    }
  /** Starting up or recovering, which takes as long as it takes. */
  | { readonly state: 'starting' }
  | { readonly state: 'shutting-down' }
  | { readonly state: 'silent' };

export interface MaxConnectionsReading {
  /** `server_version_num`. */
  readonly version: number;
  readonly inRecovery: boolean;
  /** What holds. */
  readonly inForce: number;
  /** pg_settings.source: nothing in a file beats `command line`. */
  readonly source: string;
  readonly pendingRestart: boolean;
  /** What postgresql.auto.conf says; null when it says nothing. */
  readonly auto: number | null;
  /** What would hold without that line; null when it cannot be told. */
  readonly beneath: number | null;
  /** Other settings that wait for a restart, and would come with this one. At most 10 names. */
  readonly otherPending: readonly string[];
  /** Null when the acting role may not see it. */
  readonly dataDirectory: string | null;
  readonly privileges: {
    readonly alterSystem: boolean;
    /** PostgreSQL 17+: allow_alter_system. */
    readonly alterSystemAllowed: boolean;
  };
  readonly slots: {
    readonly superuserReserved: number;
    /** PostgreSQL 16+: reserved_connections. */
    readonly reserved: number;
    /** Processes that are counted together with connections: autovacuum, background workers, WAL senders. */
    readonly otherProcesses: number;
  };
  readonly sessions: {
    /** Client backends, dbconn's own included. */
    readonly clients: number;
    readonly inTransaction: number;
  };
  readonly memory: {
    readonly locksPerTransaction: number;
    readonly workMemBytes: number;
    /** hash_mem_multiplier: so many times work_mem for a hash. */
    readonly hashMultiplier: number;
    /** PostgreSQL 15+; null before. */
    readonly sharedBytes: number | null;
  };
  /** Physical replicas that are connected. At most 20. */
  readonly standbys: readonly {
    /** Untrusted text. */
    readonly application: string;
    readonly address: string | null;
  }[];
  /** Physical replication slots nobody is connected to: the standby is away, and may come back. */
  readonly absentStandbys: number;
}
