import { z } from 'zod';
import type { Acceptance } from '../../runbook/ports/server-settings.ts';
import { PrivilegedUnavailable } from '../../runbook/remedies/acting-unavailable.ts';
import { withPrivilegedConnection } from '../acting-connection.ts';
import { toReachError } from '../failure.ts';

const Row = z.object({ max_connections: z.coerce.number().int() });

/** One attempt to log in, and what came of it. */
export async function readAcceptance(url: string): Promise<Acceptance> {
  try {
    const shown = await withPrivilegedConnection(url, (client) =>
      client.query('SHOW max_connections', []),
    );
    const { max_connections: maxConnections } = Row.parse(shown.rows[0]);
    return { state: 'accepting', maxConnections };
  } catch (error) {
    if (!(error instanceof PrivilegedUnavailable)) throw error;
    return toAcceptance(error.cause);
  }
}

function toAcceptance(error: unknown): Acceptance {
  const { kind, detail } = toReachError(error);
  switch (kind) {
    // Only a server that is up refuses a login for want of slots, rights or a password.
    case 'full':
    case 'auth':
    case 'privilege':
      return { state: 'accepting', maxConnections: null };
    case 'stopped':
      if (detail === 'starting' || detail === 'shutting-down') return { state: detail };
      return { state: 'silent' };
    case 'frozen':
    case 'network':
    default:
      return { state: 'silent' };
  }
}
