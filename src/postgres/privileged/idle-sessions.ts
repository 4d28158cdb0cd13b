import { z } from 'zod';
import { skipByName } from '../../runbook/diagnose/protected-sessions.ts';
import { Candidate, Candidates } from '../../runbook/remedies/a-terminate-idle/ports.ts';
import type {
  CandidateQuery,
  PrivilegedConnection,
} from '../../runbook/remedies/a-terminate-idle/ports.ts';
import type { SessionIdentity } from '../../runbook/remedies/plan.ts';
import { skipReasonSql, toSkipParameter } from '../skip-reason.ts';
import { microseconds } from '../snapshot/snapshot-statement.ts';
import {
  isTextCut,
  planTextBytes,
  readPlanStatement,
  textBytes,
} from '../snapshot/statement-text.ts';
import { privileged } from './connection.ts';
import type { Queryable } from './connection.ts';
import { terminateSessions } from './signal-sessions.ts';

/** A pid alone may be somebody else's by now, so its start must agree. A hidden start counts as there. */
const remainingStatement = /* sql */ `
SELECT a.pid
  FROM jsonb_to_recordset($1::jsonb) AS w(pid int, "startedAt" timestamptz)
  JOIN pg_stat_get_activity(NULL) a ON a.pid = w.pid
 WHERE a.backend_start IS NULL OR a.backend_start = w."startedAt"`;

const Rows = z.array(z.object({ pid: z.number().int() }));

/** The pids of those sessions that are still there. */
async function readRemainingSessions(
  client: Queryable,
  sessions: readonly SessionIdentity[],
): Promise<readonly number[]> {
  const known = sessions.map(({ pid, startedAt }) => ({ pid, startedAt }));
  const { rows } = await client.query(remainingStatement, [JSON.stringify(known)]);
  return Rows.parse(rows).map(({ pid }) => pid);
}

const mostCandidates = 1000;

/**
 * $1 states, $2 milliseconds, $3 application or null, $4 as in skip-reason.ts.
 * Hidden: background processes are hidden too and hold no slot, but only sessions have a database.
 * Times of identity as text: see SessionIdentity. Locks: those others can wait for, its own virtualxid excluded.
 */
const statement = /* sql */ `
WITH seen AS MATERIALIZED (
  SELECT a.*, r.rolsuper, r.rolreplication FROM pg_stat_activity a LEFT JOIN pg_roles r ON r.oid = a.usesysid),
matching AS (
  SELECT a.*, ${skipReasonSql('$4')} AS skipped
    FROM seen a
   WHERE a.state = ANY ($1::text[])
     AND a.state_change <= clock_timestamp() - $2::float8 * interval '1 millisecond'
     AND ($3::text IS NULL OR a.application_name = $3)),
chosen AS (SELECT * FROM matching ORDER BY state_change, pid LIMIT ${mostCandidates}),
held AS (SELECT pid, count(*) AS locks FROM pg_locks WHERE granted AND locktype <> 'virtualxid' GROUP BY pid)
SELECT jsonb_build_object(
  'role', current_user,
  'hidden', (SELECT count(*) FROM seen WHERE backend_start IS NULL AND datid IS NOT NULL
                AND query = '<insufficient privilege>'),
  'newIn60s', (SELECT count(*) FROM seen WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
                  AND backend_start > clock_timestamp() - interval '1 minute'),
  'total', (SELECT count(*) FROM matching),
  'sessions', (SELECT coalesce(jsonb_agg(jsonb_build_object(
      'identity', jsonb_build_object(
        'pid', c.pid, 'startedAt', ${microseconds('c.backend_start')}, 'user', coalesce(c.usename, ''),
        'application', coalesce(c.application_name, ''), 'state', c.state,
        'stateChangedAt', ${microseconds('c.state_change')},
        'transactionStartedAt', ${microseconds('c.xact_start')}),
      'client', host(c.client_addr), 'database', c.datname,
      'idleSeconds', round(extract(epoch FROM clock_timestamp() - c.state_change)::numeric, 1),
      'transactionAgeSeconds', round(extract(epoch FROM clock_timestamp() - c.xact_start)::numeric, 1),
      'hasWritten', c.backend_xid IS NOT NULL,
      'locksHeld', coalesce(held.locks, 0),
      'query', ${textBytes('c.query', planTextBytes)}, 'cut', ${isTextCut('c.query', planTextBytes)},
      'skipped', c.skipped) ORDER BY c.state_change, c.pid), '[]')
    FROM chosen c LEFT JOIN held ON held.pid = c.pid)
) AS candidates`;

const Row = z.object({
  candidates: Candidates.extend({
    sessions: z.array(Candidate.extend({ query: z.string(), cut: z.boolean() })),
  }),
});

/** The sessions that rest in one of the states for that long, each with the reason why it must be skipped, if any. */
export async function readTerminateCandidates(
  client: Queryable,
  { states, idleForMs, application, guard }: CandidateQuery,
): Promise<Candidates> {
  const { rows } = await client.query(statement, [
    states,
    idleForMs,
    application,
    toSkipParameter(guard),
  ]);
  const { sessions, ...candidates } = Row.parse(rows[0]).candidates;
  return {
    ...candidates,
    sessions: sessions.map(({ query, cut, skipped, ...session }) => ({
      ...session,
      skipped: skipped ?? skipByName(session.identity.application, guard),
      query: readPlanStatement(query, cut),
    })),
  };
}

/**
 * @param url a role with pg_monitor and pg_signal_backend; a superuser where the application is one. Never the role
 * that takes snapshots: that one is always connected, and what it may not do nobody can make it do.
 */
export function createIdleSessions({ url }: { readonly url: string }): PrivilegedConnection {
  return privileged(url, (client) => ({
    readTerminateCandidates: (query) => readTerminateCandidates(client, query),
    terminateSessions: (sessions, under) => terminateSessions(client, sessions, under),
    readRemainingSessions: (sessions) => readRemainingSessions(client, sessions),
  }));
}
