import { DatabaseError, escapeLiteral } from 'pg';
import { z } from 'zod';
import type { RollbackOutcome } from '../runbook/ports/prepared.ts';
import type { PreparedTarget } from '../runbook/remedies/targets/prepared.ts';
import type { InTime } from './run-in-time.ts';
import { runInTime } from './run-in-time.ts';
import type { Queryable } from './queryable.ts';

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
export async function rollbackPrepared(
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
    const outcome = refusals[codeOf(error) ?? ''];
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

/** What reaches us is in words for the operator; PostgreSQL's own error is its cause. */
function codeOf(error: unknown): string | undefined {
  if (error instanceof DatabaseError) return error.code;
  return error instanceof Error && error.cause instanceof DatabaseError
    ? error.cause.code
    : undefined;
}
