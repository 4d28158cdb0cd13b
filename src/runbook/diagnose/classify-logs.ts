import { redactText, splitStatement } from './redact-text.ts';
import type { LogClass, LogClassCount } from './snapshot.ts';
import { cutCodePoints } from './untrusted.ts';

export interface LogLine {
  /** UTC ISO text, or null when the log carries no times. */
  readonly at: string | null;
  /** One line, or several that belong together such as a traceback. */
  readonly text: string;
}

const exampleCodePoints = 300;

/**
 * What log lines say about connections: how many lines of each class, and the last of each, redacted and cut.
 * Most frequent class first. Lines that only mention a connection or a pool are `other`; the rest is left out.
 * Client libraries give no SQLSTATE for a refused connection, so the texts themselves must be known.
 */
export function classifyLogs(lines: readonly LogLine[]): LogClassCount[] {
  const found = new Map<LogClass, { count: number; last: LogLine }>();
  for (const line of lines) {
    const name = classOf(line.text);
    if (name === undefined) continue;
    found.set(name, { count: (found.get(name)?.count ?? 0) + 1, last: line });
  }
  return [...found]
    .map(([name, { count, last }]) => ({
      class: name,
      count,
      lastAt: last.at,
      example: exampleOf(last.text, name),
      ...poolNumbers(last.text, name),
    }))
    .toSorted((a, b) => b.count - a.count || a.class.localeCompare(b.class));
}

/**
 * The first that fits wins: what refuses a client stands before what a client notes afterwards.
 * PostgreSQL's texts are those of 13 to 18 with `lc_messages = C`; the clients' are SQLAlchemy, psycopg 2 and 3,
 * asyncpg, node-postgres, HikariCP, Active Record, Prisma and PgBouncer.
 */
const classes: readonly (readonly [LogClass, RegExp])[] = [
  [
    'pool-timeout',
    /QueuePool limit of size|PoolTimeout|couldn't get a connection after|timeout exceeded when trying to connect|Connection is not available, request timed out|could not obtain a connection from the pool|Timed out fetching a new connection from the connection pool|query_wait_timeout/i,
  ],
  [
    'role-or-database-limit',
    /too many connections for (?:role|database)|no more connections allowed/i,
  ],
  ['slots-reserved', /remaining connection slots are reserved/i],
  ['slots-full', /too many clients already|TooManyConnectionsError/i],
  ['deadlock', /deadlock detected|\b40P01\b|DeadlockDetected/i],
  [
    'idle-in-transaction-timeout',
    /terminating connection due to idle-in-transaction timeout|\b25P03\b/i,
  ],
  ['idle-session-timeout', /terminating connection due to idle-session timeout|\b57P05\b/i],
  // PostgreSQL 17's transaction_timeout too: both end work that took too long.
  [
    'statement-timeout',
    /canceling statement due to statement timeout|terminating connection due to transaction timeout|\b25P04\b/i,
  ],
  ['terminated-by-admin', /terminating connection due to administrator command|\b57P01\b/i],
  ['crash', /because of crash of another server process|was terminated by signal|\b57P02\b/i],
  [
    'starting-or-stopping',
    /the database system is (?:starting up|shutting down|in recovery mode|not (?:yet )?accepting connections)|not yet accepting connections|\b57P03\b/i,
  ],
  [
    'authentication',
    /password authentication failed|no pg_hba\.conf entry|is not permitted to log in|(?:role|database) "[^"]*" does not exist|SSL was required|certificate verify failed|\b28P01\b|\b28000\b|\b3D000\b/i,
  ],
  [
    'unreachable',
    /connection refused|ECONNREFUSED|could not translate host name|Name or service not known|ENOTFOUND|EAI_AGAIN|No route to host|timeout expired/i,
  ],
  [
    'connection-lost',
    /server closed the connection unexpectedly|SSL connection has been closed unexpectedly|SSL SYSCALL error|connection (?:already|is) closed|Connection terminated unexpectedly|connection reset by peer|ECONNRESET|could not receive data from client|unexpected EOF on client connection/i,
  ],
  ['other', /connection|pool/i],
];

/** Judged without the statement a line quotes: anybody can write `deadlock detected` into a statement. */
function classOf(text: string): LogClass | undefined {
  const { prose } = splitStatement(text);
  return classes.find(([, pattern]) => pattern.test(prose))?.[0];
}

/** Of several lines the one that says it. Redacted before it is picked: a constant may span lines. */
function exampleOf(text: string, name: LogClass): string {
  const lines = redactText(text).split(/\r?\n/);
  const pattern = classes.find(([known]) => known === name)?.[1];
  const line = lines.find((candidate) => pattern?.test(candidate)) ?? lines[0] ?? '';
  return cutCodePoints(line.trim(), exampleCodePoints);
}

const queuePool =
  /QueuePool limit of size (\d+) overflow (-?\d+) reached, connection timed out, timeout ([\d.]+)/;

function poolNumbers(text: string, name: LogClass): Pick<LogClassCount, 'pool'> {
  const [, size, maxOverflow, timeout] = (name === 'pool-timeout' && queuePool.exec(text)) || [];
  if (size === undefined || maxOverflow === undefined || timeout === undefined) return {};
  return {
    pool: {
      size: Number(size),
      maxOverflow: Number(maxOverflow),
      timeoutSeconds: Number.parseFloat(timeout),
    },
  };
}
