import { DatabaseError } from 'pg';
import { z } from 'zod';
import type { ServerIdentity } from '../runbook/ports/neighbours.ts';
import type { Connection } from './connect/connection.ts';
import { microseconds } from './snapshot/snapshot-statement.ts';
import { inTransaction } from './look-transaction.ts';

/** PostgreSQL lets everybody call pg_control_system() unless somebody revoked it (documentation, Control Data Functions). */
function statement(systemIdentifier: string): string {
  return inTransaction(`SELECT json_build_object('systemIdentifier', ${systemIdentifier}, 'startedAt', ${microseconds('pg_postmaster_start_time()')},
  'database', current_database())::text`);
}

const Row = z.object({
  systemIdentifier: z.string().nullable(),
  startedAt: z.string(),
  database: z.string(),
});

const insufficientPrivilege = '42501';

/** Which database of which server this session is in. Throws what the session throws. */
export async function readIdentity(
  connection: Connection,
  timeoutMs: number,
): Promise<ServerIdentity> {
  const read = async (systemIdentifier: string): Promise<ServerIdentity> =>
    Row.parse(JSON.parse(await connection.readOne(statement(systemIdentifier), timeoutMs)));
  try {
    return await read('(SELECT system_identifier::text FROM pg_control_system())');
  } catch (error) {
    const isRefused = error instanceof DatabaseError && error.code === insufficientPrivilege;
    if (!isRefused) throw error;
    return read('NULL');
  }
}
