import { DatabaseError } from 'pg';
import { z } from 'zod';
import { toReachError } from '../postgres/failure.ts';
import type { Problem } from '../runbook/snapshot/snapshot.ts';

/** In words for the operator; no address and nothing that PgBouncer said is repeated. */
export function toProblem(error: unknown): Problem {
  const fix = 'Point pgbouncer.url at its database "pgbouncer", as a user of stats_users.';
  // A PostgreSQL has no settings of these names; what answers otherwise is another program still.
  if (error instanceof z.ZodError || (error instanceof DatabaseError && error.code === '42704')) {
    const summary = 'What answers there is not the console of a PgBouncer.';
    return { kind: 'invalid', summary, fix };
  }
  const { kind } = toReachError(error);
  if (kind === 'frozen') {
    return {
      kind: 'timeout',
      summary: 'PgBouncer does not answer.',
      fix: 'See whether it is stopped or out of processor time.',
    };
  }
  if (kind === 'full') {
    return {
      kind: 'unreachable',
      summary: 'PgBouncer takes no more clients, not even for its console.',
      fix: 'Raise max_client_conn, or see who opens so many connections to it.',
    };
  }
  // Its refusals have no SQLSTATE that says why.
  return error instanceof DatabaseError
    ? { kind: 'forbidden', summary: 'PgBouncer refuses the login of dbconn.', fix }
    : {
        kind: 'unreachable',
        summary: 'PgBouncer cannot be reached.',
        fix: 'See whether it runs, and whether its address and port are right.',
      };
}
