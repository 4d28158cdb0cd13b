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
