import { z } from 'zod';
import type { PreparedReading } from '../runbook/ports/prepared.ts';
import { microseconds } from './snapshot/snapshot-statement.ts';
import type { Queryable } from './queryable.ts';
import { readWaits } from './read-waits.ts';

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
  found: z.object({
    gid: z.string(),
    owner: z.string(),
    database: z.string(),
    preparedAt: z.string(),
    transaction: z.string(),
    ageSeconds: z.number(),
    locksHeld: z.number().int(),
    role: z.string(),
    mayRollBack: z.boolean(),
    mayConnect: z.boolean(),
  }),
});

/** The prepared transaction of that gid and who waits at this moment; null when there is none. */
export async function readPrepared(
  client: Queryable,
  gid: string,
): Promise<PreparedReading | null> {
  const { rows } = await client.query(statement, [gid]);
  if (rows.length === 0) return null;
  return { ...Row.parse(rows[0]).found, waits: await readWaits(client) };
}
