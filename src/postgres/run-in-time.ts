import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseError } from 'pg';
import { z } from 'zod';
import type { Lease } from '../runbook/remedies/lease.ts';
import { PrivilegedUnavailable } from '../runbook/remedies/acting-unavailable.ts';
import { withPrivilegedConnection } from './acting-connection.ts';
import type { Queryable } from './queryable.ts';

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
  const cause = error instanceof PrivilegedUnavailable ? error.cause : error;
  return cause instanceof DatabaseError && !/^(?:08|57P|XX)/.test(cause.code ?? '');
}

const end = /* sql */ `
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND backend_start = $2::timestamptz`;

/** A role may always end its own sessions. Whatever is under way to it then finds nobody. */
async function endSession(url: string, { pid, startedAt }: Session): Promise<void> {
  const deadline = performance.now() + endsWithinMs;
  await withPrivilegedConnection(url, async (other) => {
    for (;;) {
      const { rows } = await other.query(end, [pid, startedAt]);
      if (rows.length === 0) return;
      if (performance.now() >= deadline) throw new PrivilegedUnavailable(stillThere);
      await sleep(pollMs);
    }
  });
}

const stillThere =
  'A statement got no answer, and its session could not be ended: it may still run. Look again before proposing it again.';
