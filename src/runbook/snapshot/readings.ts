import { z } from 'zod';
import type { PoolVariables } from './target.ts';

/** Figures of the database's own statement. PostgreSQL writes some of them as text. */
export const count = z.coerce.number().int();
/** Seconds. */
export const age = z.coerce.number();
export const integer = z.number().int();

/** Sessions with one wait event; both names are null for those that compute. */
export const WaitReading = z.object({
  /** wait_event_type of pg_stat_activity. */
  type: z.string().nullable(),
  event: z.string().nullable(),
  sessions: count,
  /** Of those the ones whose statement has run for over a second. */
  lasting: count,
});
export type WaitReading = Readonly<z.infer<typeof WaitReading>>;

export const ProgressReading = z.object({
  pid: integer,
  /** `CREATE INDEX`, `VACUUM FULL`, `COPY` … */
  command: z.string(),
  phase: z.string().nullable(),
  /** Of the phase, in blocks, tuples or bytes; a total of 0 is not known. */
  done: count.nullable(),
  total: count.nullable(),
  relation: z.string().nullable(),
});
export type ProgressReading = Readonly<z.infer<typeof ProgressReading>>;

/** Clients with track_activities off: where they wait is all that is left of their state. */
export const UntrackedReading = z.object({
  sessions: count,
  /** They wait for their client; null before PostgreSQL 14, which does not show it. */
  resting: count.nullable(),
  /** Of those the ones that hold a transaction; before PostgreSQL 14 all that hold one. */
  inTransaction: count,
});
export type UntrackedReading = Readonly<z.infer<typeof UntrackedReading>>;

/** A prepared transaction. */
export const PreparedReading = z.object({
  gid: z.string(),
  owner: z.string(),
  database: z.string(),
  ageSeconds: age,
});
export type PreparedReading = Readonly<z.infer<typeof PreparedReading>>;

/** Client backends unless the name says otherwise. dbconn's own session is counted in `clients` and `own`. */
export const SessionCounts = z.object({
  clients: count,
  active: count,
  idle: count,
  idleInTransaction: count,
  idleInTransactionAborted: count,
  starting: count,
  /** fastpath, disabled, or a state this role may not see. */
  other: count,
  own: count,
  superuser: count,
  hidden: count,
  lockWaiting: count,
  /** Connections of the last 10 s, 1 min and 5 min that are still there. */
  newIn10s: count,
  newIn60s: count,
  newIn300s: count,
  idleInTransactionOverWarning: count,
  idleInTransactionOverTerminate: count,
  idleOverTerminate: count,
  /** Neither those that wait for a lock or their client, nor maintenance, nor commits. */
  slowQueries: count,
  /** As long at their statement, and waiting for their client to read or send. */
  slowClients: count,
  /** Committed here, and waiting for a synchronous standby to say so too. */
  committing: count,
  walsenders: count,
  parallelWorkers: count,
  autovacuumWorkers: count,
  /** Every row of pg_stat_activity, background processes included. */
  processes: count,
});
export type SessionCounts = Readonly<z.infer<typeof SessionCounts>>;

/** The admin console of one PgBouncer. */
export interface PoolerConsole {
  /** As configured; else its host and port. */
  readonly name: string;
  /** How many PgBouncers with these settings there are behind this address. */
  readonly replicas: number;
  readonly tookMs: number;
  readonly reading?: PoolerReading;
}

/** What the admin console of one PgBouncer shows. Names of databases, users and applications are untrusted text. */
export interface PoolerReading {
  /** As PgBouncer names itself, such as `PgBouncer 1.18.0`. */
  readonly version: string;
  /** `session`, `transaction` or `statement`, unless a database or a user has its own. */
  readonly poolMode: string;
  /** Connected now, dbconn's own left out. */
  readonly clients: number;
  readonly maxClientConnections: number;
  /** Of one database or one user, where it limits them; only those in use. Since 1.24. */
  readonly clientLimits: readonly {
    readonly kind: 'database' | 'user';
    readonly name: string;
    readonly limit: number;
    readonly used: number;
  }[];
  readonly clientsWaiting: number;
  /** How long the first of them has waited. */
  readonly longestWaitSeconds: number;
  /** Connections to PostgreSQL now, over all its pools. */
  readonly servers: number;
  /** What the pools it has now may open to PostgreSQL: sizes with their reserve, within the limits of databases and users. */
  readonly mayOpen: number | 'unlimited';
  /** Those with the most waiting clients first, at most 50; its own console left out. */
  readonly pools: readonly PoolerPool[];
  readonly poolsTotal: number;
  /** Who its clients are, most first, at most 40; null where it has too many to list them. */
  readonly clientSources: readonly PoolerClients[] | null;
  /** As whom it is known to PostgreSQL, at most 40. */
  readonly serverSources: readonly PoolerServers[];
}

/** One row of SHOW POOLS, with what limits it. */
export interface PoolerPool {
  readonly database: string;
  readonly user: string;
  readonly mode: string;
  readonly clientsActive: number;
  /** Clients that wait for a server connection. */
  readonly clientsWaiting: number;
  /** How long the first of them has waited. */
  readonly longestWaitSeconds: number;
  /** Given to a client. */
  readonly serversActive: number;
  readonly serversIdle: number;
  /** All, those included that log in or are being tested. */
  readonly servers: number;
  /** pool_size; null without a limit. */
  readonly size: number | null;
  /** What it may open on top where clients wait for long (reserve_pool_size). */
  readonly reserve: number;
  /** Why it opens no further connection; null while none of its limits is reached. */
  readonly fullBy: PoolerLimit | null;
}

export type PoolerLimit = 'pool_size' | 'max_db_connections' | 'max_user_connections' | 'paused';

interface PoolerClients {
  readonly client: string | null;
  readonly application: string;
  readonly total: number;
  readonly waiting: number;
}

interface PoolerServers {
  /** Its own address as PostgreSQL sees it, unless something in between translates it; null on a Unix socket. */
  readonly client: string | null;
  readonly user: string;
  /** As PostgreSQL names it. */
  readonly database: string;
  readonly total: number;
}

/** What a container was made from. What is absent could not be read. */
export interface ReplicaOrigin {
  /** First 12 characters of the image's id. */
  readonly imageId?: string;
  readonly createdAt?: string;
  /** A hash of each environment variable's value by its name; compared between checks and kept nowhere. */
  readonly variables?: Readonly<Record<string, string>>;
  /** The names those have in its environment; none where it was not read, or has none of them. */
  readonly poolVariables?: PoolVariables;
  /** As its environment says. */
  readonly pool: {
    readonly size: number | null;
    readonly maxOverflow: number | null;
    readonly timeoutSeconds: number | null;
    readonly recycleSeconds: number | null;
    readonly prePing: boolean | null;
  };
}

/** A service that is not what it was at the check before. */
export const Change = z.object({
  service: z.string(),
  /** The first check that saw it, UTC ISO text. */
  at: z.string(),
  /** `variables`: values in its containers' environment; `started`: containers that were started or restarted. */
  kind: z.enum(['image', 'variables', 'replicas', 'started']),
  /** Short image ids, or numbers of replicas. */
  from: z.string().exactOptional(),
  to: z.string().exactOptional(),
  /** Of environment variables, at most 20. Never a value. */
  names: z.array(z.string()).exactOptional(),
});

export type Change = z.infer<typeof Change>;

export const PoolReading = z.object({
  service: z.string(),
  /** The label that tells pools of one endpoint apart, `default` without one. */
  name: z.string(),
  size: z.number().nullable(),
  /** Configured maximum overflow; -1 means no ceiling. */
  maxOverflow: z.number().nullable(),
  checkedOut: z.number(),
  checkedIn: z.number().nullable(),
  /** QueuePool.overflow(): from -size to max_overflow. */
  overflow: z.number().nullable(),
  /** size + maxOverflow, `unlimited` (-1, or size 0 on SQLAlchemy 2), or null when max_overflow is not known. */
  limit: z.union([z.number(), z.literal('unlimited')]).nullable(),
  /** checkedOut / limit, 0-1, or null without a ceiling. */
  utilisation: z.number().nullable(),
  timeouts: z.number().nullable(),
});
export type PoolReading = Readonly<z.infer<typeof PoolReading>>;
