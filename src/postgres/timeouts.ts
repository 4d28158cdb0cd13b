import { DatabaseError, escapeIdentifier } from 'pg';
import type {
  TimeoutName,
  TimeoutPlace,
  Timeouts,
  TimeoutSession,
} from '../runbook/ports/timeouts.ts';
import { ActingUnavailable } from '../runbook/remedies/acting-unavailable.ts';
import { withActingConnection } from './acting-connection.ts';
import type { Queryable } from './queryable.ts';
import { readTimeout } from './timeouts-reading.ts';

export interface TimeoutsOptions {
  /** The acting role: a superuser, or on PostgreSQL 15+ a role with what deploy/grants.sql gives it. */
  readonly url: string;
}

/** The two time-outs of the runbook's prevention, over PostgreSQL itself. */
export function createTimeouts({ url }: TimeoutsOptions): Timeouts {
  return { withSession: (work) => withActingConnection(url, (client) => work(sessionOn(client))) };
}

function sessionOn(client: Queryable): TimeoutSession {
  return {
    readTimeout: (place, interest = noInterest) => readTimeout(client, place, interest),
    alterTimeout: (place, ms) => alterTimeout(client, place, ms),
    async reloadConfiguration() {
      await client.query('SELECT pg_reload_conf()', []);
    },
  };
}

const noInterest = { overMs: null, poolers: [] };

/** Neither takes parameters, so the name is one of these, the value a number and the role a quoted identifier. */
const names = {
  idle_in_transaction_session_timeout: 'idle_in_transaction_session_timeout',
  idle_session_timeout: 'idle_session_timeout',
} as const satisfies Record<TimeoutName, TimeoutName>;

async function alterTimeout(
  client: Queryable,
  { setting, role }: TimeoutPlace,
  ms: number | null,
): Promise<string | undefined> {
  const who = role === null ? 'SYSTEM' : `ROLE ${escapeIdentifier(role)}`;
  const what = ms === null ? `RESET ${names[setting]}` : `SET ${names[setting]} = ${whole(ms)}`;
  try {
    await client.query(`ALTER ${who} ${what}`, []);
    return undefined;
  } catch (error) {
    const code = codeOf(error);
    // A session that was ended says nothing of what it was doing.
    if (code === undefined || /^(?:08|57P|XX)/.test(code)) throw error;
    return code;
  }
}

function codeOf(error: unknown): string | undefined {
  const cause = error instanceof ActingUnavailable ? error.cause : undefined;
  return cause instanceof DatabaseError ? cause.code : undefined;
}

function whole(ms: number): string {
  if (!Number.isSafeInteger(ms) || ms < 0) throw new RangeError('A time-out is a whole number.');
  return `'${ms}ms'`;
}
