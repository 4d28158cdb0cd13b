import { setTimeout as sleep } from 'node:timers/promises';
import { Client, DatabaseError } from 'pg';
import { z } from 'zod';
import type { Lease, Privileged } from '../../runbook/remedies/remedy.ts';
import type { PlannedServer } from '../../runbook/remedies/plan.ts';
import { PrivilegedUnavailable } from '../../runbook/remedies/remedy.ts';
import type { ReachError } from '../../runbook/snapshot/snapshot.ts';
import { poll } from '../../timing.ts';
import { microseconds } from '../snapshot/snapshot-statement.ts';
import { connectByTls } from '../connect/connect-by-tls.ts';
import type { TlsAttempt } from '../connect/connect-by-tls.ts';
import { isFull, toReachError } from '../failure.ts';
import { ownApplication } from '../skip-reason.ts';

/** What the privileged connection met, in words for the operator; what those words mean for a snapshot means something else here. */
function toPrivilegedError(error: unknown): PrivilegedUnavailable {
  return new PrivilegedUnavailable(toSentence(error), { cause: error });
}

function toSentence(error: unknown): string {
  const hasCode = error instanceof Error && 'code' in error;
  const reach = toReachError(error);
  // pg reports its own time-outs and a connection that broke as plain text.
  if (reach.kind === 'network' && !hasCode) return 'The acting connection timed out or was lost.';
  if (isFull(reach)) return full;
  return ownWords[reach.kind] ?? `${reach.summary} ${reach.fix}`;
}

const full =
  'PostgreSQL has no slot for the acting role. Set reserved_connections and GRANT pg_use_reserved_connections to it (PostgreSQL 16+), raise its CONNECTION LIMIT if it has one, or restart the service (option C).';

const ownWords: Readonly<Partial<Record<ReachError['kind'], string>>> = {
  auth: 'PostgreSQL refuses the login of the acting role. Check actingUrl, and pg_hba.conf.',
  privilege:
    'The acting role lacks a privilege. GRANT pg_monitor and pg_signal_backend to it; see deploy/grants.sql.',
};

/** As much of a pg client as a statement needs. */
export interface Queryable {
  query(text: string, values: readonly unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
}

const connectTimeoutMs = 4000;
/** Reading and signalling take milliseconds; where they take this long, nothing is certain any more. */
const statementTimeoutMs = 5000;
/** pg_stat_activity reads catalogs that somebody may have locked. */
const lockTimeoutMs = 1000;

/** On a full server a slot comes free now and then, and a caller who asks again soon enough gets it. */
const slotWaitMs = 3000;
const retryMs = 100;

/** Opens a connection as the privileged role, for one piece of work. Throws what pg throws, or UnusableUrl. */
async function connectPrivileged(url: string): Promise<Client> {
  return poll({ everyMs: retryMs, withinMs: slotWaitMs }, async (isOver) => {
    try {
      return await connectOnce(url);
    } catch (error) {
      if (isFull(toReachError(error)) && !isOver()) return undefined;
      throw error;
    }
  });
}

function connectOnce(url: string): Promise<Client> {
  const deadline = performance.now() + connectTimeoutMs;
  return connectByTls(url, async (bareUrl, ssl) => {
    const client = newClient({ url: bareUrl, ssl, withinMs: deadline - performance.now() });
    try {
      await client.connect();
      return client;
    } catch (error) {
      await client.end();
      throw error;
    }
  });
}

export interface PrivilegedRole {
  /** The address of the privileged role. */
  readonly url: string;
  /** Roles dbconn logs in with, beside that one. */
  readonly ownRoles?: readonly string[];
}

/** @param url a role with the privileges of deploy/grants.sql; `open` gives the session over one connection of it */
export function privileged<Session>(
  url: string,
  open: (client: Queryable) => Session,
): Privileged<Session> {
  return { act: (work) => withPrivilegedConnection(url, (client) => work(open(client))) };
}

/** Work over a connection that is opened for it and closed after. Trouble is thrown as PrivilegedUnavailable. */
export async function withPrivilegedConnection<T>(
  url: string,
  work: (client: Queryable) => Promise<T>,
): Promise<T> {
  let client: Client;
  try {
    client = await connectPrivileged(url);
  } catch (error) {
    throw toPrivilegedError(error);
  }
  try {
    return await work(told(client));
  } finally {
    await client.end();
  }
}

/** What goes wrong is thrown in words for the operator. */
function told(client: Client): Queryable {
  return {
    query: async (text, values) => {
      try {
        return await client.query<Record<string, unknown>>(text, [...values]);
      } catch (error) {
        throw toPrivilegedError(error);
      }
    },
  };
}

const Version = z.object({ version: z.coerce.number().int() });

/** `server_version_num`. */
export async function readVersion(client: Queryable): Promise<number> {
  const { rows } = await client.query(
    `SELECT current_setting('server_version_num') AS version`,
    [],
  );
  return Version.parse(rows[0]).version;
}

const Start = z.object({ startedAt: z.string(), isAllowed: z.boolean() });
const Identifier = z.object({ systemIdentifier: z.string() });

/** Which server this is. Everybody may call pg_control_system() unless somebody revoked that. */
export async function readServer(client: Queryable): Promise<PlannedServer> {
  const start = await client.query(
    `SELECT ${microseconds('pg_postmaster_start_time()')} AS "startedAt", has_function_privilege('pg_control_system()', 'EXECUTE') AS "isAllowed"`,
    [],
  );
  const { startedAt, isAllowed } = Start.parse(start.rows[0]);
  if (!isAllowed) return { startedAt, systemIdentifier: null };
  const { rows } = await client.query(
    `SELECT system_identifier::text AS "systemIdentifier" FROM pg_control_system()`,
    [],
  );
  return { startedAt, ...Identifier.parse(rows[0]) };
}

interface Login {
  readonly url: string;
  readonly ssl: TlsAttempt;
  readonly withinMs: number;
}

function newClient({ url, ssl, withinMs }: Login): Client {
  const client = new Client({
    connectionString: url,
    ssl,
    application_name: ownApplication,
    // Else anybody who may create a function in this database runs it as the privileged role, under a built-in's name.
    options: '-c search_path=pg_catalog',
    // 0 would mean no limit.
    connectionTimeoutMillis: Math.max(1, withinMs),
    statement_timeout: statementTimeoutMs,
    lock_timeout: lockTimeoutMs,
    // A frozen server keeps no time-out of its own.
    query_timeout: statementTimeoutMs + 1000,
  });
  // A connection lost between two statements makes the next statement fail, and that is reported.
  client.on('error', () => undefined);
  return client;
}

/** The SQLSTATE with which PostgreSQL refused a statement; undefined when it took it, and a lost session throws. */
export async function refusalOf(statement: Promise<unknown>): Promise<string | undefined> {
  try {
    await statement;
    return undefined;
  } catch (error) {
    const code = refusedWith(error)?.code;
    if (code === undefined || endsSession.test(code)) throw error;
    return code;
  }
}

/** What PostgreSQL itself said: what reaches us is in words for the operator, and its own error is the cause. */
export function refusedWith(error: unknown): DatabaseError | undefined {
  const cause = error instanceof PrivilegedUnavailable ? error.cause : error;
  return cause instanceof DatabaseError ? cause : undefined;
}

/** A session that was ended says nothing of what it was doing. */
const endsSession = /^(?:08|57P|XX)/;

/** A statement that reaches PostgreSQL later than this after it was announced finds no session any more. */
const arrivesWithinMs = 2000;
/** From its arrival. Together they are less than a statement's time on dbconn's side. */
const endsWithinMs = 3000;
/** Of what is left of the lease: the rest is for the announcement itself. */
const leaseShare = 0.5;
const pollMs = 50;

/**
 * idle_session_timeout, PostgreSQL 14 and later, ends a session to which nothing came in time, by the server's own
 * clock; 13 leaves out what it does not have.
 */
const announce = /* sql */ `
SELECT pg_backend_pid() AS pid, (SELECT backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()) AS "startedAt",
       (SELECT set_config('statement_timeout', $2, false)) IS NOT NULL
         AND (SELECT set_config(name, $1, false) FROM pg_settings WHERE name = 'idle_session_timeout') IS NOT NULL AS expires`;

const Session = z.object({ pid: z.number().int(), startedAt: z.string(), expires: z.boolean() });
type Session = z.infer<typeof Session>;

const restore = /* sql */ `
SELECT set_config(name, reset_val, false) FROM pg_settings WHERE name IN ('statement_timeout', 'idle_session_timeout')`;

export interface InTime {
  /** The address of the same role, for PostgreSQL 13: the session is ended from another one there. */
  readonly url: string;
  readonly lease: Lease;
}

/**
 * Runs a statement that cannot look at the clock itself: ALTER SYSTEM and ROLLBACK PREPARED take no condition and no
 * transaction. Where no answer comes it throws only once the statement is over or can never begin, so that what is read
 * after that is true. It is sent in one message: one in several would begin with its first.
 * Throws what the client throws.
 * Throws too where the lease does not last until the statement is over: a process that was frozen before it sends nothing.
 */
export async function runInTime(
  client: Queryable,
  { url, lease }: InTime,
  statement: string,
): Promise<void> {
  const share = Math.min(1, (lease.leftMs() * leaseShare) / (arrivesWithinMs + endsWithinMs));
  // Zero would be no limit at all.
  const [arrives, ends] = [arrivesWithinMs, endsWithinMs].map((ms) =>
    Math.max(1, Math.ceil(ms * share)),
  );
  const { rows } = await client.query(announce, [String(arrives), String(ends)]);
  const session = Session.parse(rows[0]);
  const settlesInMs = (arrivesWithinMs + endsWithinMs) * share;
  lease.mustLast(settlesInMs);
  const settledAt = performance.now() + settlesInMs;
  try {
    await client.query(statement, []);
  } catch (error) {
    if (isAnswer(error)) throw error;
    if (!session.expires) await endSession(url, session);
    await sleep(Math.max(0, settledAt - performance.now()));
    throw error;
  }
  // A session that was lost right after is noticed by the next statement on it.
  await client.query(restore, []).catch(() => undefined);
}

/** PostgreSQL's own word, and not that the session ended. */
function isAnswer(error: unknown): boolean {
  const refusal = refusedWith(error);
  return refusal !== undefined && !endsSession.test(refusal.code ?? '');
}

const end = /* sql */ `
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND backend_start = $2::timestamptz`;

/** A role may always end its own sessions. Whatever is under way to it then finds nobody. */
async function endSession(url: string, { pid, startedAt }: Session): Promise<void> {
  const deadline = performance.now() + endsWithinMs;
  await withPrivilegedConnection(url, async (other) => {
    await poll({ everyMs: pollMs }, async () => {
      const { rows } = await other.query(end, [pid, startedAt]);
      if (rows.length === 0) return true;
      if (performance.now() < deadline) return undefined;
      throw new PrivilegedUnavailable(stillThere);
    });
  });
}

const stillThere =
  'A statement got no answer, and its session could not be ended: it may still run. Check before you propose it again.';
