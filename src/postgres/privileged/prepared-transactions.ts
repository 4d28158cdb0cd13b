import { escapeLiteral } from 'pg';
import { z } from 'zod';
import { PreparedTarget } from '../../runbook/remedies/plan.ts';
import type {
  PreparedReading,
  PreparedTransactions,
  RollbackOutcome,
} from '../../runbook/remedies/prepared-transaction/plan.ts';
import { microseconds } from '../snapshot/snapshot-statement.ts';
import { readWaits } from './blockers.ts';
import { refusedWith, runInTime, withPrivilegedConnection } from './connection.ts';
import type { InTime, Queryable } from './connection.ts';

/** All locks of a prepared transaction share its virtual transaction, and one of them is its transaction id. */
const statement = /* sql */ `
SELECT jsonb_build_object(
    'gid', p.gid, 'owner', p.owner, 'database', p.database,
    'preparedAt', ${microseconds('p.prepared')}, 'transaction', p.transaction::text,
    'ageSeconds', greatest(0, round(extract(epoch FROM clock_timestamp() - p.prepared)::numeric, 1)),
    'locksHeld', (SELECT count(*) FROM pg_locks x JOIN pg_locks h ON h.virtualtransaction = x.virtualtransaction
                   WHERE x.pid IS NULL AND x.locktype = 'transactionid' AND x.transactionid = p.transaction
                     AND h.pid IS NULL AND h.granted),
    'role', current_user,
    'mayRollBack', p.owner = current_user OR (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
    'mayConnect', d.datallowconn AND has_database_privilege(d.oid, 'CONNECT')) AS found
  FROM pg_prepared_xacts p JOIN pg_database d ON d.datname = p.database
 WHERE p.gid = $1`;

const Row = z.object({
  found: PreparedTarget.omit({ kind: true, victims: true }).extend({
    role: z.string(),
    mayRollBack: z.boolean(),
    mayConnect: z.boolean(),
  }),
});

/** The prepared transaction of that gid and who waits at this moment; null when there is none. */
async function readPrepared(client: Queryable, gid: string): Promise<PreparedReading | null> {
  const { rows } = await client.query(statement, [gid]);
  if (rows.length === 0) return null;
  return { ...Row.parse(rows[0]).found, waits: await readWaits(client) };
}

const check = /* sql */ `
SELECT p.database = current_database() AND p.database = $2 AND p.owner = $3 AND p.prepared = $4::timestamptz
       AND p.transaction::text = $5 AS same
  FROM pg_prepared_xacts p WHERE p.gid = $1`;

const Rows = z.array(z.object({ same: z.boolean() }));

/**
 * ROLLBACK PREPARED in the database of this connection, right after the check that the gid still names the same
 * transaction. The two cannot be one: PostgreSQL refuses ROLLBACK PREPARED within a function, a transaction or
 * together with another statement, and takes no parameter for its gid.
 */
async function rollbackPrepared(
  client: Queryable,
  inTime: InTime,
  { gid, database, owner, preparedAt, transaction }: PreparedTarget,
): Promise<RollbackOutcome> {
  const { rows } = await client.query(check, [gid, database, owner, preparedAt, transaction]);
  const [found] = Rows.parse(rows);
  if (found === undefined) return 'already gone';
  if (!found.same) return 'moved on';
  try {
    await runInTime(client, inTime, `ROLLBACK PREPARED ${escapeLiteral(gid)}`);
    return 'rolled back';
  } catch (error) {
    const outcome = refusals[refusedWith(error)?.code ?? ''];
    if (outcome === undefined) throw error;
    return outcome;
  }
}

/** PostgreSQL source, twophase.c, LockGXact: what it says before it has done anything. */
const refusals: Readonly<Record<string, RollbackOutcome>> = {
  // undefined_object
  '42704': 'already gone',
  // insufficient_privilege
  '42501': 'no privilege',
  // object_not_in_prerequisite_state
  '55000': 'busy',
};

/** @param url a superuser, or the role that owns the prepared transactions, with pg_monitor */
export function createPreparedTransactions({
  url,
}: {
  readonly url: string;
}): PreparedTransactions {
  return {
    readPrepared: (gid) => withPrivilegedConnection(url, (client) => readPrepared(client, gid)),
    rollBackPrepared: (target, lease) => {
      const there = toDatabase(url, target.database);
      return withPrivilegedConnection(there, (client) =>
        rollbackPrepared(client, { url: there, lease }, target),
      );
    },
  };
}

/** The same server and role, another database. A name may hold anything, slashes too. */
function toDatabase(url: string, database: string): string {
  const other = new URL(url);
  other.pathname = `/${encodeURIComponent(database)}`;
  return other.href;
}
