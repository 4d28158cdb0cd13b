import { escapeIdentifier } from 'pg';
import type {
  TimeoutName,
  TimeoutPlace,
  Timeouts,
  TimeoutSession,
} from '../../runbook/remedies/prevention/ports.ts';
import { refusalOf, runInTime, withPrivilegedConnection } from './connection.ts';
import type { Queryable } from './connection.ts';
import { readTimeout } from './timeouts-reading.ts';

interface TimeoutsOptions {
  /** The acting role: a superuser, or on PostgreSQL 15+ a role with what deploy/grants.sql gives it. */
  readonly url: string;
  /** Roles dbconn logs in with, beside that one. */
  readonly ownRoles?: readonly string[];
}

/** The two time-outs of the runbook's prevention, over PostgreSQL itself. */
export function createTimeouts({ url, ownRoles = [] }: TimeoutsOptions): Timeouts {
  return {
    withSession: (work) =>
      withPrivilegedConnection(url, (client) => work(sessionOn(client, url, ownRoles))),
  };
}

function sessionOn(client: Queryable, url: string, ownRoles: readonly string[]): TimeoutSession {
  return {
    readTimeout: (place, interest = noInterest) =>
      readTimeout(client, place, { ...interest, ownRoles }),
    alterTimeout: (place, ms, lease) =>
      refusalOf(runInTime(client, { url, lease }, alterStatement(place, ms))),
    reloadConfiguration: (lease) => runInTime(client, { url, lease }, 'SELECT pg_reload_conf()'),
  };
}

const noInterest = { overMs: null, poolers: [] };

/** Neither takes parameters, so the name is one of these, the value a number and the role a quoted identifier. */
const names = {
  idle_in_transaction_session_timeout: 'idle_in_transaction_session_timeout',
  idle_session_timeout: 'idle_session_timeout',
} as const satisfies Record<TimeoutName, TimeoutName>;

function alterStatement({ setting, role }: TimeoutPlace, ms: number | null): string {
  const who = role === null ? 'SYSTEM' : `ROLE ${escapeIdentifier(role)}`;
  const what = ms === null ? `RESET ${names[setting]}` : `SET ${names[setting]} = ${whole(ms)}`;
  return `ALTER ${who} ${what}`;
}

function whole(ms: number): string {
  if (!Number.isSafeInteger(ms) || ms < 0) throw new RangeError('A time-out is a whole number.');
  return `'${ms}ms'`;
}
