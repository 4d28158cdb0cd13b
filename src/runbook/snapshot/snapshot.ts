import type {
  Change,
  PoolerConsole,
  PreparedReading,
  ProgressReading,
  ReplicaOrigin,
  SessionCounts,
  UntrackedReading,
  WaitReading,
} from './readings.ts';

/**
 * All evidence of one moment. Adapters fill it, the diagnosis reads it, nothing else is consulted.
 *
 * Text that came out of somebody's SQL is redacted before it gets here: a Snapshot holds no literal
 * and no comment of other people's statements, so nothing rendered from it can leak one.
 * Times that identify a session are UTC text with microseconds (`2026-11-23T03:00:00.123456Z`):
 * a JavaScript date loses the microseconds and would then match no session at all.
 */
export interface Snapshot {
  readonly target: string;
  /** When the look began, by the bot's clock, UTC ISO text. */
  readonly takenAt: string;
  readonly tookMs: number;
  readonly database: DatabaseSnapshot;
  readonly pools: Part<readonly PoolEndpointSnapshot[]>;
  readonly logs: Part<readonly ServiceLogs[]>;
  readonly services: Part<ServicesReading>;
  /** What the checks of the last hour saw change around the target, oldest first, at most 20. */
  readonly changes?: readonly Change[];
  /** Absent where no pooler is configured. */
  readonly poolers?: Part<readonly PoolerSnapshot[]>;
}

/** One part of a look: read, or not, and then why and what to do about it. */
export type Part<T> =
  | { readonly ok: true; readonly tookMs: number; readonly value: T }
  | { readonly ok: false; readonly tookMs: number; readonly problem: Problem };

export interface Problem {
  /** `not-configured` is no trouble: the installation simply has no such part. */
  readonly kind:
    | 'not-configured'
    | 'missing'
    | 'forbidden'
    | 'unreachable'
    | 'timeout'
    | 'invalid'
    | 'unsupported';
  /** What happened, one sentence, without secrets. */
  readonly summary: string;
  /** What the operator can do next. */
  readonly fix?: string;
}

/** How the database was reached, from the cheapest rung of the ladder to none. */
export type Rung = 'warm' | 'connection' | 'reserved' | 'superuser' | 'exec' | 'none';

/** `slow`: the server said something, but not in time. `server-error`: it answered with an unexpected SQLSTATE. */
type ReachErrorKind =
  'full' | 'frozen' | 'slow' | 'stopped' | 'auth' | 'privilege' | 'server-error' | 'network';

export interface ReachError {
  readonly kind: ReachErrorKind;
  /** Whose limit is exhausted when `kind` is `full`: the server's slots, one role's, one database's, a pooler's. */
  readonly scope?: 'server' | 'role' | 'database' | 'pooler';
  /**
   * What a `stopped` server that answers does (57P03), where that can be told; `backend` when of a `frozen` server only
   * our session hangs; what of a `slow` one was too slow, `catalog` where somebody locks what every login reads.
   */
  readonly detail?:
    'starting' | 'shutting-down' | 'not-accepting' | 'backend' | 'login' | 'statement' | 'catalog';
  readonly sqlstate?: string;
  /** One sentence for the operator: what happened. */
  readonly summary: string;
  /** What to do next. */
  readonly fix: string;
}

export interface Reach {
  readonly via: Rung;
  /** Why a lower rung did not answer; present together with `via` when a higher one did. */
  readonly error?: ReachError;
  /** What each rung said, in the order tried. */
  readonly rungs: readonly { readonly rung: Rung; readonly outcome: string }[];
  /** How long the login took, where this look opened a session. */
  readonly loginMs?: number;
}

export interface DatabaseSnapshot {
  readonly reach: Reach;
  readonly tookMs: number;
  /** Absent when no rung answered. */
  readonly reading?: DatabaseReading;
}

type SessionState =
  | 'active'
  | 'idle'
  | 'idle in transaction'
  | 'idle in transaction (aborted)'
  | 'fastpath function call'
  | 'disabled'
  | 'starting'
  | 'unknown';

/** One row of the single statement: see `postgres/look-statement.ts`. */
export interface DatabaseReading {
  /** The server's clock, UTC with microseconds. */
  readonly at: string;
  /** `server_version_num`, 180004 for 18.4. */
  readonly version: number;
  readonly startedAt: string;
  readonly inRecovery: boolean;
  readonly capacity: {
    readonly maxConnections: number;
    readonly superuserReserved: number;
    /** PostgreSQL 16+: `reserved_connections`. */
    readonly reserved: number;
    /** Slots a managed provider keeps for itself. */
    readonly providerReserved: number;
  };
  readonly counts: SessionCounts;
  /** The largest sources first, at most 40. */
  readonly sources: readonly SourceReading[];
  readonly sourcesTotal: number;
  /** Superusers among the roles that hold the most sessions. The one initdb made cannot lose the attribute. */
  readonly superuserRoles: readonly { readonly name: string; readonly isBootstrap: boolean }[];
  /** Connection limits of roles and databases, with their use. */
  readonly connectionLimits: readonly {
    readonly kind: 'role' | 'database';
    readonly name: string;
    readonly limit: number;
    readonly used: number;
  }[];
  /** The sessions worth showing: blockers, oldest transactions, longest queries, longest idle, oldest connections. */
  readonly sessions: readonly SessionReading[];
  readonly sessionsTruncated: boolean;
  readonly locks: LockReading;
  /**
   * Present while deadlock checks keep the lock manager so busy that reading it would hang. Then only `at`,
   * `counts` and `sources` are of this moment, `locks` is a number without a tree, there are no `sessions` and no
   * `connectionLimits`, and everything else is from the last full look.
   */
  readonly lockManagerBusy?: { readonly sessions: number };
  readonly prepared: readonly PreparedReading[];
  readonly preparedTotal: number;
  readonly settings: readonly SettingReading[];
  /** What active clients wait for, dbconn's own apart, the most first; at most 40. */
  readonly waits: readonly WaitReading[];
  /** pg_stat_progress_*: index builds, VACUUM, CLUSTER, ANALYZE, COPY; at most 50. */
  readonly progress: readonly ProgressReading[];
  readonly untracked: UntrackedReading;
  /** Sessions that began and ended since an earlier reading; absent where there is none, and before PostgreSQL 14. */
  readonly turnover?: TurnoverReading;
  /** When the last of the counters of pg_stat_database was reset; null for never. */
  readonly statsResetAt: string | null;
  /** Deadlocks counted by pg_stat_database, over all databases. */
  readonly deadlocks: number;
  readonly standbys: readonly {
    readonly application: string;
    readonly state: string;
    readonly replayLagSeconds: number | null;
  }[];
  readonly visibility: {
    /** The role sees other roles' sessions in full (pg_monitor, pg_read_all_stats or superuser). */
    readonly monitor: boolean;
    readonly role: string;
    readonly roleSuperuser: boolean;
    readonly canSignal: boolean;
    readonly canUseReserved: boolean;
    /** The role's own connection limit, -1 for none. */
    readonly roleConnectionLimit: number;
  };
  /** Whose managed service it is, told by the role that only this one has; absent for a server of one's own. */
  readonly managedBy?: 'rds' | 'cloudsql' | 'azure';
}

/** Of all databases, by pg_stat_database.sessions. dbconn's own are counted. */
export interface TurnoverReading {
  readonly seconds: number;
  readonly began: number;
  /** Those that began and are not there any more, or others in their place. */
  readonly ended: number;
  /**
   * At least so many began and ended in that time: a restart ends sessions and opens others, and those stay. Absent in
   * what an earlier dbconn sealed.
   */
  readonly passed?: number;
}

export interface SourceReading {
  readonly user: string | null;
  readonly application: string;
  readonly client: string | null;
  readonly database: string | null;
  readonly total: number;
  readonly active: number;
  readonly idle: number;
  /** Aborted ones excluded: they are counted in `idleInTransactionAborted`. */
  readonly idleInTransaction: number;
  readonly idleInTransactionAborted: number;
  readonly idleInTransactionOverTerminate: number;
  readonly idleOverTerminate: number;
  readonly newIn60s: number;
  readonly oldestIdleSeconds: number | null;
  /** Idle for long, and used only for a moment after they were opened. */
  readonly usedOnce: number;
  /** How long ago those were opened, in seconds: the youngest, every tenth, the oldest. Null when there are none. */
  readonly usedOnceAges: readonly number[] | null;
  /** Idle for over `terminateIdleMs`, and used for some time before that. */
  readonly silent: number;
  /** For how long those have been silent, in seconds, as `usedOnceAges`. */
  readonly silentAges: readonly number[] | null;
  /** How long ago all of its sessions were opened, in the same way; null where none is silent. */
  readonly openedAges: readonly number[] | null;
}

export interface SessionReading {
  readonly pid: number;
  /** backend_start, UTC µs text: with the pid, the session's identity. */
  readonly startedAt: string;
  readonly user: string | null;
  readonly application: string;
  readonly client: string | null;
  readonly database: string | null;
  readonly backendType: string;
  readonly state: SessionState;
  readonly stateChangedAt: string | null;
  readonly transactionStartedAt: string | null;
  readonly connectionAgeSeconds: number;
  readonly transactionAgeSeconds: number | null;
  readonly queryAgeSeconds: number | null;
  readonly stateAgeSeconds: number | null;
  readonly waitEventType: string | null;
  readonly waitEvent: string | null;
  /** The transaction has written: ending it loses work. */
  readonly hasWritten: boolean;
  readonly superuser: boolean;
  /** Its role has REPLICATION and is no superuser. Absent in what an earlier dbconn kept. */
  readonly replication?: boolean;
  /** dbconn's own session. */
  readonly own: boolean;
  /** This role may signal it. */
  readonly canSignal: boolean;
  /** Redacted and cut to 300 characters; null when hidden from this role, unreadable, or withheld. */
  readonly query: string | null;
  /** The same for the same statement whatever its literals; null when it cannot be told. */
  readonly fingerprint: string | null;
}

export interface LockReading {
  /** Oldest first, at most 1,000. */
  readonly waiters: readonly WaiterReading[];
  readonly waitersTotal: number;
  /** The waiters whose `waitsFor` was asked of the server itself; later ones are filled in from their queue. */
  readonly askedTotal: number;
}

export interface WaiterReading {
  readonly pid: number;
  /** Distinct direct blockers as pg_blocking_pids gives them, at most 50; 0 stands for a prepared transaction. */
  readonly waitsFor: readonly number[];
  readonly waitsForTotal: number;
  /** The gids of the prepared transactions behind a 0. */
  readonly prepared: readonly string[];
  /** Such as `relation AccessExclusiveLock`, `transactionid ShareLock`, `SafeSnapshot`, `RecoveryConflictSnapshot`. */
  readonly lock: string;
  /** Schema-qualified when it is in this database, else null. Redact nothing: it is a name, but untrusted text. */
  readonly relation: string | null;
  readonly waitSeconds: number | null;
}

export interface SettingReading {
  readonly name: string;
  readonly value: string;
  readonly unit: string | null;
  /** pg_settings.source: `command line` beats ALTER SYSTEM. */
  readonly source: string;
  readonly pendingRestart: boolean;
}

/** One metrics endpoint. Down is a finding, never an error. */
export interface PoolEndpointSnapshot {
  readonly service: string;
  /** Host, port and path; never user or password. */
  readonly endpoint: string;
  readonly tookMs: number;
  readonly pools: readonly PoolReading[];
  readonly problem?: Problem;
}

/** One console. Down is a finding, never an error. */
export type PoolerSnapshot = PoolerConsole & { readonly problem?: Problem };

export interface PoolReading {
  readonly service: string;
  /** The label that tells pools of one endpoint apart, `default` without one. */
  readonly name: string;
  readonly size: number | null;
  /** Configured maximum overflow; -1 means no ceiling. */
  readonly maxOverflow: number | null;
  readonly checkedOut: number;
  readonly checkedIn: number | null;
  /** QueuePool.overflow(): from -size to max_overflow. */
  readonly overflow: number | null;
  /** size + maxOverflow, `unlimited` (-1, or size 0 on SQLAlchemy 2), or null when max_overflow is not known. */
  readonly limit: number | 'unlimited' | null;
  /** checkedOut / limit, 0-1, or null without a ceiling. */
  readonly utilisation: number | null;
  readonly timeouts: number | null;
}

export type LogClass =
  | 'pool-timeout'
  | 'slots-full'
  | 'slots-reserved'
  | 'role-or-database-limit'
  | 'pooler-login'
  | 'pooler-limit'
  | 'pooler-query-wait'
  | 'idle-in-transaction-timeout'
  | 'idle-session-timeout'
  | 'statement-timeout'
  | 'deadlock'
  | 'terminated-by-admin'
  | 'crash'
  | 'starting-or-stopping'
  | 'unreachable'
  | 'authentication'
  | 'connection-lost'
  | 'other';

export interface ServiceLogs {
  readonly service: string;
  readonly container: string;
  readonly tookMs: number;
  readonly linesRead: number;
  readonly classes: readonly LogClassCount[];
  readonly problem?: Problem;
}

export interface LogClassCount {
  readonly class: LogClass;
  readonly count: number;
  readonly lastAt: string | null;
  /** The last such line, redacted, at most 300 characters. Untrusted text. */
  readonly example: string;
  /** Numbers of a QueuePool time-out line. */
  readonly pool?: {
    readonly size: number;
    readonly maxOverflow: number;
    readonly timeoutSeconds: number;
  };
}

export interface ServicesReading {
  readonly services: readonly ServiceReading[];
  /** What the PostgreSQL container's process titles say; the only sight of half-open logins before PostgreSQL 18. */
  readonly postgresProcesses?: {
    readonly clients: number;
    readonly authenticating: number;
    readonly idle: number;
    readonly idleInTransaction: number;
    readonly active: number;
    /** The largest first, at most 20. */
    readonly sources: readonly {
      readonly user: string;
      readonly database: string;
      readonly client: string;
      readonly total: number;
    }[];
  };
}

export interface ServiceReading {
  readonly name: string;
  readonly replicas: readonly ReplicaReading[];
  /**
   * Why option E cannot change these of the pool's numbers, a sentence each: they are not set in a file that dbconn
   * may write. Absent where that was not looked at.
   */
  readonly fixedPool?: Readonly<Partial<Record<'size' | 'overflow', string>>>;
  readonly problem?: Problem;
}

export interface ReplicaReading extends ReplicaOrigin {
  /** First 12 characters of the id. */
  readonly id: string;
  readonly name: string;
  readonly number: number;
  readonly state: string;
  readonly health: 'healthy' | 'unhealthy' | 'starting' | 'none';
  readonly startedAt: string | null;
  readonly restarts: number;
  readonly exitCode: number | null;
  readonly oomKilled: boolean;
  /** The address on each of its networks, to tell whose session a client address is. */
  readonly addresses: readonly string[];
}
