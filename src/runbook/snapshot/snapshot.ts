import { z } from 'zod';
import {
  PreparedReading,
  ProgressReading,
  SessionCounts,
  UntrackedReading,
  WaitReading,
  age,
  count,
  integer,
} from './readings.ts';
import type { Change, PoolReading, PoolerConsole, ReplicaOrigin } from './readings.ts';

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
  /** When the snapshot began, by the bot's clock, UTC ISO text. */
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

/** One part of a snapshot: read, or not, and then why and what to do about it. */
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
export const Rung = z.enum(['warm', 'connection', 'reserved', 'superuser', 'exec', 'none']);
export type Rung = z.infer<typeof Rung>;

/** `slow`: the server said something, but not in time. `server-error`: it answered with an unexpected SQLSTATE. */
export const ReachErrorKind = z.enum([
  'full',
  'frozen',
  'slow',
  'stopped',
  'auth',
  'privilege',
  'server-error',
  'network',
]);

export interface ReachError {
  readonly kind: z.infer<typeof ReachErrorKind>;
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
  /** How long the login took, where this snapshot opened a session. */
  readonly loginMs?: number;
}

export interface DatabaseSnapshot {
  readonly reach: Reach;
  readonly tookMs: number;
  /** Absent when no rung answered. */
  readonly reading?: DatabaseReading;
}

const SessionState = z.enum([
  'active',
  'idle',
  'idle in transaction',
  'idle in transaction (aborted)',
  'fastpath function call',
  'disabled',
  'starting',
  'unknown',
]);

/** Of all databases, by pg_stat_database.sessions. dbconn's own are counted. */
export const TurnoverReading = z.object({
  seconds: age,
  began: count,
  /** Those that began and are not there any more, or others in their place. */
  ended: count,
  /**
   * At least so many began and ended in that time: a restart ends sessions and opens others, and those stay. Absent in
   * what an earlier dbconn sealed.
   */
  passed: count.exactOptional(),
});
export type TurnoverReading = Readonly<z.infer<typeof TurnoverReading>>;

export const SourceReading = z.object({
  user: z.string().nullable(),
  application: z.string(),
  client: z.string().nullable(),
  database: z.string().nullable(),
  total: count,
  active: count,
  idle: count,
  /** Aborted ones excluded: they are counted in `idleInTransactionAborted`. */
  idleInTransaction: count,
  idleInTransactionAborted: count,
  idleInTransactionOverTerminate: count,
  idleOverTerminate: count,
  newIn60s: count,
  oldestIdleSeconds: age.nullable(),
  /** Idle for long, and used only for a moment after they were opened. */
  usedOnce: count,
  /** How long ago those were opened, in seconds: the youngest, every tenth, the oldest. Null when there are none. */
  usedOnceAges: z.array(age).readonly().nullable(),
  /** Idle for over `terminateIdleMs`, and used for some time before that. */
  silent: count,
  /** For how long those have been silent, in seconds, as `usedOnceAges`. */
  silentAges: z.array(age).readonly().nullable(),
  /** How long ago all of its sessions were opened, in the same way; null where none is silent. */
  openedAges: z.array(age).readonly().nullable(),
});
export type SourceReading = Readonly<z.infer<typeof SourceReading>>;

export const SessionReading = z.object({
  pid: integer,
  /** backend_start, UTC µs text: with the pid, the session's identity. */
  startedAt: z.string(),
  user: z.string().nullable(),
  application: z.string(),
  client: z.string().nullable(),
  database: z.string().nullable(),
  backendType: z.string(),
  state: SessionState.catch('unknown'),
  stateChangedAt: z.string().nullable(),
  transactionStartedAt: z.string().nullable(),
  connectionAgeSeconds: age,
  transactionAgeSeconds: age.nullable(),
  queryAgeSeconds: age.nullable(),
  stateAgeSeconds: age.nullable(),
  waitEventType: z.string().nullable(),
  waitEvent: z.string().nullable(),
  /** The transaction has written: ending it loses work. */
  hasWritten: z.boolean(),
  superuser: z.boolean(),
  /** Its role has REPLICATION and is no superuser. Absent in what an earlier dbconn kept. */
  replication: z.boolean().exactOptional(),
  /** dbconn's own session. */
  own: z.boolean(),
  /** This role may signal it. */
  canSignal: z.boolean(),
  /** Redacted and cut to 300 characters; null when hidden from this role, unreadable, or withheld. */
  query: z.string().nullable(),
  /** The same for the same statement whatever its literals; null when it cannot be told. */
  fingerprint: z.string().nullable(),
});
export type SessionReading = Readonly<z.infer<typeof SessionReading>>;

export const WaiterReading = z.object({
  pid: integer,
  /** Distinct direct blockers as pg_blocking_pids gives them, at most 50; 0 stands for a prepared transaction. */
  waitsFor: z.array(integer).readonly(),
  waitsForTotal: integer,
  /** The gids of the prepared transactions behind a 0. */
  prepared: z.array(z.string()).readonly(),
  /** Such as `relation AccessExclusiveLock`, `transactionid ShareLock`, `SafeSnapshot`, `RecoveryConflictSnapshot`. */
  lock: z.string(),
  /** Schema-qualified when it is in this database, else null. Redact nothing: it is a name, but untrusted text. */
  relation: z.string().nullable(),
  waitSeconds: age.nullable(),
});
export type WaiterReading = Readonly<z.infer<typeof WaiterReading>>;

export const LockReading = z.object({
  /** Oldest first, at most 1,000. */
  waiters: z.array(WaiterReading).readonly(),
  waitersTotal: count,
  /** The waiters whose `waitsFor` was asked of the server itself; later ones are filled in from their queue. */
  askedTotal: count,
});
export type LockReading = Readonly<z.infer<typeof LockReading>>;

export const SettingReading = z.object({
  name: z.string(),
  value: z.string(),
  unit: z.string().nullable(),
  /** pg_settings.source: `command line` beats ALTER SYSTEM. */
  source: z.string(),
  pendingRestart: z.boolean(),
});
export type SettingReading = Readonly<z.infer<typeof SettingReading>>;

/** One row of the single statement: see `postgres/snapshot-statement.ts`. */
export const DatabaseReading = z.object({
  /** The server's clock, UTC with microseconds. */
  at: z.string(),
  /** `server_version_num`, 180004 for 18.4. */
  version: integer,
  startedAt: z.string(),
  inRecovery: z.boolean(),
  capacity: z.object({
    maxConnections: count,
    superuserReserved: count,
    /** PostgreSQL 16+: `reserved_connections`. */
    reserved: count,
    /** Slots a managed provider keeps for itself. */
    providerReserved: count,
  }),
  counts: SessionCounts,
  /** The largest sources first, at most 40. */
  sources: z.array(SourceReading).readonly(),
  sourcesTotal: count,
  /** Superusers among the roles that hold the most sessions. The one initdb made cannot lose the attribute. */
  superuserRoles: z.array(z.object({ name: z.string(), isBootstrap: z.boolean() })).readonly(),
  /** Connection limits of roles and databases, with their use. */
  connectionLimits: z
    .array(
      z.object({
        kind: z.enum(['role', 'database']),
        name: z.string(),
        limit: count,
        used: count,
      }),
    )
    .readonly(),
  /** The sessions worth showing: blockers, oldest transactions, longest queries, longest idle, oldest connections. */
  sessions: z.array(SessionReading).readonly(),
  sessionsTruncated: z.boolean(),
  locks: LockReading,
  /**
   * Present while deadlock checks keep the lock manager so busy that reading it would hang. Then only `at`,
   * `counts` and `sources` are of this moment, `locks` is a number without a tree, there are no `sessions` and no
   * `connectionLimits`, and everything else is from the last full snapshot.
   */
  lockManagerBusy: z.object({ sessions: count }).exactOptional(),
  prepared: z.array(PreparedReading).readonly(),
  preparedTotal: count,
  settings: z.array(SettingReading).readonly(),
  /** What active clients wait for, dbconn's own apart, the most first; at most 40. */
  waits: z.array(WaitReading).readonly(),
  /** pg_stat_progress_*: index builds, VACUUM, CLUSTER, ANALYZE, COPY; at most 50. */
  progress: z.array(ProgressReading).readonly(),
  untracked: UntrackedReading,
  /** Sessions that began and ended since an earlier reading; absent where there is none, and before PostgreSQL 14. */
  turnover: TurnoverReading.exactOptional(),
  /** When the last of the counters of pg_stat_database was reset; null for never. */
  statsResetAt: z.string().nullable(),
  /** Deadlocks counted by pg_stat_database, over all databases. */
  deadlocks: count,
  standbys: z
    .array(
      z.object({
        application: z.string(),
        state: z.string(),
        replayLagSeconds: age.nullable(),
      }),
    )
    .readonly(),
  visibility: z.object({
    /** The role sees other roles' sessions in full (pg_monitor, pg_read_all_stats or superuser). */
    monitor: z.boolean(),
    role: z.string(),
    roleSuperuser: z.boolean(),
    canSignal: z.boolean(),
    canUseReserved: z.boolean(),
    /** The role's own connection limit, -1 for none. */
    roleConnectionLimit: integer,
  }),
  /** Whose managed service it is, told by the role that only this one has; absent for a server of one's own. */
  managedBy: z.enum(['rds', 'cloudsql', 'azure']).exactOptional(),
});
export type DatabaseReading = Readonly<z.infer<typeof DatabaseReading>>;

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
  /** What the PostgreSQL container's process titles say; the only sign of half-open logins before PostgreSQL 18. */
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
   * may write. Absent where that was not read.
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
