import type { LogClass } from '../snapshot.ts';

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

const knownCodes: readonly string[] = [...codes.keys(), ...clientCodes.keys()];

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

const lettered = knownCodes.filter((code) => /[A-Z]/.test(code)).join('|');
const numeric = knownCodes.filter((code) => !/[A-Z]/.test(code)).join('|');

/**
 * Five digits alone may be a pid, a port or milliseconds, so they need the notation of a SQLSTATE around them.
 * A pid is written `[53300]` too: behind a time, behind a program's name, or before a line's level.
 */
const notations: readonly RegExp[] = [
  // `code: '…'`, `"state_code":"…"`, `SQLSTATE[…]`, `SQLSTATE …`, `SQL state […]`, `sqlstate=…`, `SQLState: …`
  `\\b(?:sql[ _-]?state|state[ _-]?code|pg_?code|(?:err(?:or)?[._-]?)?code)["'\`]{0,2}\\s{0,3}(?:=>?|:)?\\s{0,3}["'\`[(]{0,2}(${numeric})\\b`,
  // `SqlState(E53300)` as tokio-postgres prints it
  `\\bSqlState\\(E(${[lettered, numeric].join('|')})\\)`,
  // `FATAL:  53300: …` as log_error_verbosity gives it, `FATAL 53300 (too_many_connections)`, `,FATAL,53300,"` of any language
  `\\b(?:FATAL|ERROR|PANIC)(?::\\s{0,4}|,|\\s)\\(?(${numeric})\\b(?!\\s?m?s\\b)`,
  `,[^\\s,"]{2,20},(${numeric}),"`,
  // `PostgresException (0x80004005): 53300: …`, and the verbose form in a translated server
  `(?<=^|[:)]\\s{1,2})(${numeric}): `,
  `(?<=[^\\d\\s\\]]:\\s|\\[\\d{1,7}\\]:?\\s|^)\\[(${numeric})\\](?!:?\\s*\\[?(?:LOG|INFO|DEBUG|NOTICE|WARN)|\\s+\\d)`,
  `\\[\\d{1,7}\\]:?\\s(${numeric})\\s+[A-Z]+:`,
  `(?<!\\b(?:pid|process|port)[: ]\\s?)[[(](${numeric})[\\])](?=\\s*$)`,
].map((source) => new RegExp(source, 'im'));
const letteredCode = new RegExp(`(?<![\\w.-])(${lettered})(?![\\w-])`);

/** The names drivers give to conditions, for errors that carry no code in their text. */
const conditions: ReadonlyMap<string, string> = new Map([
  ['TooManyConnections', '53300'],
  ['DeadlockDetected', '40P01'],
  ['TRDeadlockDetected', '40P01'],
  ['QueryCanceled', '57014'],
  ['IdleInTransactionSessionTimeout', '25P03'],
  ['IdleSessionTimeout', '57P05'],
  ['TransactionTimeout', '25P04'],
  ['AdminShutdown', '57P01'],
  ['CrashShutdown', '57P02'],
  ['CannotConnectNow', '57P03'],
  ['InvalidPassword', '28P01'],
  ['InvalidAuthorizationSpecification', '28000'],
  ['InvalidCatalogName', '3D000'],
]);
/** asyncpg, psycopg 2 and 3, Ruby's pg. */
const condition = /(?:asyncpg\.exceptions\.|psycopg2?\.errors\.|\bPG::)([A-Za-z]+?)(?:Error)?\b/;

/** The SQLSTATE of a log line about connections, in whatever notation; undefined without one. */
export function findSqlstate(text: string): string | undefined {
  const plain = letteredCode.exec(text)?.[1];
  if (plain !== undefined) return plain;
  for (const notation of notations) {
    const code = notation.exec(text)?.[1];
    if (code !== undefined) return code;
  }
  return conditions.get(condition.exec(text)?.[1] ?? '');
}

interface StructuredLine {
  /** What its message and error fields say, without statements and parameters. */
  readonly text: string;
  readonly code: string | undefined;
}

const deepest = 5;
const mostFields = 200;

const codeKey = /^(?:sqlstate|statecode|pgcode|(?:err(?:or)?)?code)$/;
const messageKey =
  /(?:message|messagetext|msg|error|err|exception|exc|excinfo|stack|stacktrace|traceback|reason|cause|description|event|text|textpayload|log|line)$|^(?:m|r|x)$/;
const classKey = /(?:type|name|class|kind)$/;
const className = /(?:Error|Exception|Timeout)$/;
/** Anybody can write an error's text into a statement or its parameters. */
const statementKey = /(?:sql|query|statement|parameters|params|bindings|values|args|body)$/;

/**
 * A line of JSON, logfmt or PostgreSQL's csvlog, by its fields: what it says, and the SQLSTATE it carries.
 * Undefined for a line that is none of these, or has no field that says anything.
 */
export function readStructured(line: string): StructuredLine | undefined {
  const fields = readCsvlog(line) ?? collect(readJson(line)) ?? readLogfmt(line);
  return fields === undefined || fields.text.trim() === '' ? undefined : fields;
}

/** JSON, also behind a plain beginning of the line. */
function readJson(line: string): unknown {
  const text = line.trim();
  const start = text.indexOf('{');
  if (start === -1 || !text.endsWith('}')) return undefined;
  try {
    const value: unknown = JSON.parse(text.slice(start));
    return start === 0 ? value : { message: text.slice(0, start), value };
  } catch {
    return undefined; // an inspected object, or a line cut off: read as the text it is
  }
}

function collect(value: unknown): StructuredLine | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const texts: string[] = [];
  const classes: string[] = [];
  let code: string | undefined;
  let fields = 0;
  const visit = (entries: object, depth: number): void => {
    for (const [key, field] of Object.entries<unknown>({ ...entries })) {
      fields += 1;
      if (fields > mostFields) return;
      const name = plainKey(key);
      if (statementKey.test(name)) continue;
      if (typeof field === 'object' && field !== null) {
        if (depth < deepest) visit(field, depth + 1);
      } else if (codeKey.test(name)) code ??= String(field);
      else if (typeof field === 'string' && isTextKey(name)) texts.push(field);
      else if (typeof field === 'string' && isClassOfError(name, field)) classes.push(field);
    }
  };
  visit(value, 0);
  return { text: [...texts, ...classes].join('\n'), code };
}

function plainKey(key: string): string {
  return key.toLowerCase().replaceAll(/[^a-z]/g, '');
}

function isTextKey(name: string): boolean {
  return name === '' || messageKey.test(name); // what stands in a list has no name of its own
}

function isClassOfError(name: string, field: string): boolean {
  return classKey.test(name) && className.test(field);
}

const pair = /(?:^|\s)([\w.@-]{1,60})=("(?:[^"\\]|\\.)*"|[^\s"]\S*)/g;

function readLogfmt(line: string): StructuredLine | undefined {
  if (!/(?:^|\s)(?:level|lvl|severity)=/.test(line)) return undefined;
  const entries = [...line.matchAll(pair)].map(([, key = '', value = '']): [string, string] => [
    key,
    value.startsWith('"')
      ? value.slice(1, -1).replaceAll('\\n', '\n').replaceAll('\\"', '"')
      : value,
  ]);
  return collect(Object.fromEntries(entries));
}

const csvlogBegins = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? [^\s,]+,/;
const csvField = /("(?:[^"]|"")*"?|[^,"]*)(?:,|$)/y;

/** Columns 12 to 14 of csvlog are severity, SQLSTATE and message (PostgreSQL documentation, Using CSV-Format Log Output). */
function readCsvlog(line: string): StructuredLine | undefined {
  if (!csvlogBegins.test(line)) return undefined;
  const fields: string[] = [];
  csvField.lastIndex = 0;
  while (fields.length < 14 && csvField.lastIndex < line.length) {
    const field = csvField.exec(line)?.[1];
    if (field === undefined) return undefined;
    fields.push(field);
  }
  const [, , , , , , , , , , , severity, code, message] = fields;
  if (code === undefined || message === undefined || !/^[0-9A-Z]{5}$/.test(code)) return undefined;
  const text = message.replace(/^"|"$/g, '').replaceAll('""', '"');
  return { text: `${severity ?? ''}:  ${text}`, code };
}
