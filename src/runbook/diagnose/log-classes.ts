import type { LogClass } from '../snapshot/snapshot.ts';

/**
 * Texts by class; the first that fits wins: what refused a client comes before what the client noted afterwards.
 * PostgreSQL's texts are those of 13 to 18 with `lc_messages = C`. PgBouncer's were read in its
 * source; those of the libraries in their sources or in reports of people who met them.
 */
const textPatterns: readonly (readonly [LogClass, RegExp])[] = [
  [
    // PgBouncer's words for it as its versions went by, then PgCat's and Odyssey's.
    'pooler-login',
    /pgbouncer cannot connect to server|server login has been failing|\(server_login_retry\)|client_login_timeout \(server down\)|AllServersDown|failed to get remote server connection/i,
  ],
  [
    'pooler-limit',
    /no more connections allowed|client connections exceeded|\((?:max_client_conn|max_(?:db|user)_client_connections)\)|\bEMAXCONN(?:SESSION)?\b|MaxClientsInSessionMode|max client(?: connection)?s reached/i,
  ],
  [
    // PgBouncer, Supavisor, RDS Proxy, PgCat.
    'pooler-query-wait',
    /\bquery_wait_timeout\b|\bECHECKOUTTIMEOUT\b|unable to check out (?:process|connection) from the pool|Timed-out waiting to acquire database connection|could not get connection from the pool - /i,
  ],
  ['role-or-database-limit', /too many connections for (?:role|database)/i],
  ['slots-reserved', /remaining connection slots are reserved/i],
  ['slots-full', /too many clients already|TooManyConnectionsError/i],
  ['pooler-login', /server login failed/i],
  ['pool-timeout', poolTimeout()],
  ['deadlock', /deadlock detected|DeadlockDetected/i],
  ['idle-in-transaction-timeout', /terminating connection due to idle-in-transaction timeout/i],
  ['idle-session-timeout', /terminating connection due to idle-session timeout/i],
  // PostgreSQL 17's transaction_timeout too: both end work that took too long.
  [
    'statement-timeout',
    /canceling statement due to statement timeout|terminating connection due to transaction timeout/i,
  ],
  ['terminated-by-admin', /terminating connection due to administrator command/i],
  ['crash', /because of crash of another server process|was terminated by signal/i],
  [
    'starting-or-stopping',
    /the database system is (?:starting up|shutting down|in recovery mode|not (?:yet )?accepting connections)|not yet accepting connections/i,
  ],
  [
    'authentication',
    /password authentication failed|no pg_hba\.conf entry|is not permitted to log in|(?:role|database) "[^"]*" does not exist|SSL was required|certificate verify failed/i,
  ],
  [
    'unreachable',
    /connection refused|ECONNREFUSED|could not translate host name|Name or service not known|ENOTFOUND|EAI_AGAIN|No route to host|timeout expired|Connection terminated due to connection timeout|PSQLException: The connection attempt failed/i,
  ],
  [
    'connection-lost',
    /server closed the connection unexpectedly|SSL connection has been closed unexpectedly|SSL SYSCALL error|connection (?:already|is) closed|Connection terminated unexpectedly|connection reset by peer|ECONNRESET|could not receive data from client|unexpected EOF on client connection|driver: bad connection|This connection has been closed|An I\/O error occurred while sending to the backend|connection was closed in the middle of operation/i,
  ],
];

/** An application that got no connection of its own pool in time, in the words of the pools people use. */
function poolTimeout(): RegExp {
  const words = [
    // Python: SQLAlchemy, psycopg 2 and 3, asyncpg (it has no text of its own: the frame tells), peewee, Odoo.
    'QueuePool limit of size',
    'PoolTimeout',
    "couldn't get a connection after",
    'psycopg2\\.pool\\.PoolError: (?:connection pool exhausted|The Connection Pool Is Full)',
    'asyncpg/pool\\.py", line \\d+, in _?acquire[^]*TimeoutError',
    'Max connections exceeded, timed out attempting to connect',
    // Java: HikariCP, c3p0, DBCP 1 and 2, Tomcat, Agroal, IronJacamar, Druid, R2DBC.
    'Connection is not available, request timed out',
    'attempt by a client to checkout a Connection has timed out',
    'A client timed out while waiting to acquire a resource from',
    'Cannot get a connection, pool (?:error:? (?:Timeout|Pool exhausted)|exhausted)',
    'PoolExhaustedException',
    'Pool empty\\. Unable to fetch a connection',
    'Sorry, acquisition timeout!',
    'No managed connections available within configured blocking timeout',
    'GetConnectionTimeoutException',
    'Connection acquisition timed out after',
    // .NET: Npgsql, and what System.Data's pools say.
    'The connection pool has been exhausted',
    'prior to obtaining a connection from the pool',
    // Node: node-postgres, Knex, Sequelize, generic-pool, Prisma.
    'timeout exceeded when trying to connect',
    'Knex: Timeout acquiring a connection',
    'KnexTimeoutError',
    'ConnectionAcquireTimeoutError',
    'ResourceRequest timed out',
    'Timed out fetching a new connection from the connection pool',
    'Unable to start a transaction in the given time',
    // Ruby: Active Record, Sequel.
    'could not obtain a (?:database )?connection (?:from the pool|within [\\d.]+ seconds)',
    'ActiveRecord::ConnectionTimeoutError',
    // Go: go-pg. database/sql and pgxpool give the context's error, which callers wrap in words of this kind.
    'pg: connection pool timeout',
    'acquir\\w{1,5} (?:a )?(?:new )?(?:database |db )?conn(?:ection)?\\b[^\\n]{0,60}: context deadline exceeded',
    // Rust: sqlx, deadpool, bb8, r2d2. Elixir: DBConnection. PHP: Hyperf. Haskell: PostgREST.
    'pool timed out while waiting for an open connection',
    'Timeout occurred while waiting for a slot to become available',
    'Timed out in bb8',
    'timed out waiting for connection(?=$|[:"\\n])',
    'connection not available and request was dropped from queue',
    'Connection pool exhausted\\. Cannot establish new connection',
    'Timed out acquiring connection from connection pool',
  ];
  return new RegExp(words.join('|'), 'i');
}

const mentions = /connection|pool/i;

/** The class of a text in words that are known, or none. */
export function classOfText(text: string): LogClass | undefined {
  return textPatterns.find(([, pattern]) => pattern.test(text))?.[0];
}

/** Whether a text speaks of connections or pools at all. */
export function mentionsConnections(text: string): boolean {
  return mentions.test(text);
}

/** The first words of a class in a text, from there to the end of the line. */
export function wordsOf(name: LogClass, text: string): string | undefined {
  for (const [known, pattern] of textPatterns) {
    const at = known === name ? text.search(pattern) : -1;
    if (at !== -1) return text.slice(at).split(/\r?\n/, 1)[0];
  }
  return undefined;
}

/**
 * What a SQLSTATE says (PostgreSQL documentation, appendix A), whatever language the text is in. Where one code covers
 * several classes, the text or the server's `routine` chooses among them, and the first is taken when neither is known.
 */
const codes: ReadonlyMap<string, readonly LogClass[]> = new Map<string, readonly LogClass[]>([
  ['53300', ['slots-full', 'pooler-limit', 'role-or-database-limit', 'slots-reserved']],
  ['40P01', ['deadlock']],
  ['25P03', ['idle-in-transaction-timeout']],
  ['57P05', ['idle-session-timeout']],
  ['57014', ['statement-timeout', 'pooler-query-wait']],
  ['25P04', ['statement-timeout']],
  ['57P01', ['terminated-by-admin']],
  ['57P02', ['crash']],
  ['57P03', ['starting-or-stopping']],
  ['28P01', ['authentication']],
  ['28000', ['authentication']],
  ['3D000', ['authentication']],
]);

/** Class 08 is what a client library says of any failed connection, so that a known text says more. */
const clientCodes: ReadonlyMap<string, LogClass> = new Map([
  ['08001', 'unreachable'],
  ['08004', 'unreachable'],
  ['08003', 'connection-lost'],
  ['08006', 'connection-lost'],
]);

export const knownCodes: readonly string[] = [...codes.keys(), ...clientCodes.keys()];

/** Where the server raised a 53300 (src/backend of PostgreSQL 13 to 18); InitPostgres checks the reserved slots. */
const routines: readonly (readonly [LogClass, RegExp])[] = [
  ['slots-reserved', /\bInitPostgres\b/],
  ['role-or-database-limit', /\b(?:InitializeSessionUserId|CheckMyDatabase)\b/],
];

/** The same codes for what is no trouble of connections: walsenders have slots of their own, people cancel queries. */
const elsewhere = /max_wal_senders|due to user request|canceling autovacuum task/i;

/** The class a SQLSTATE stands for; undefined for one that says nothing about connections. */
export function classOfCode(code: string, text: string): LogClass | undefined {
  const candidates = codes.get(code);
  if (candidates === undefined || elsewhere.test(text)) return undefined;
  const byText = classOfText(text);
  if (byText !== undefined && candidates.includes(byText)) return byText;
  const raised = routines.find(([, pattern]) => pattern.test(text))?.[0];
  return raised !== undefined && candidates.includes(raised) ? raised : candidates[0];
}

export function classOfClientCode(code: string): LogClass | undefined {
  return clientCodes.get(code);
}
