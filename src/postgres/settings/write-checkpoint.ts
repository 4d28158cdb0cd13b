import { DatabaseError } from 'pg';
import { PrivilegedUnavailable } from '../../runbook/remedies/acting-unavailable.ts';
import { withPrivilegedConnection } from '../acting-connection.ts';

/** A large server that was busy writes for minutes; the shutdown would have to write the same. */
const withinMs = 300_000;

/**
 * CHECKPOINT needs a superuser or pg_checkpoint (PostgreSQL 15+). The connection's statement_timeout ends the waiting
 * only: the server goes on writing, and the next time asked it soon has nothing left to write.
 */
export async function writeCheckpoint(
  url: string,
): Promise<'written' | 'not allowed' | 'too slow'> {
  const giveUpAt = performance.now() + withinMs;
  for (;;) {
    try {
      await withPrivilegedConnection(url, (client) => client.query('CHECKPOINT', []));
      return 'written';
    } catch (error) {
      const refusal = error instanceof PrivilegedUnavailable ? error.cause : undefined;
      if (!(refusal instanceof DatabaseError)) throw error;
      if (refusal.code === '42501') return 'not allowed';
      if (refusal.code !== '57014') throw error;
      if (performance.now() >= giveUpAt) return 'too slow';
    }
  }
}
