import { DatabaseError } from 'pg';
import { z } from 'zod';
import type {
  Acceptance,
  ServerSettings,
} from '../../runbook/remedies/b-raise-max-connections/ports.ts';
import { PrivilegedUnavailable } from '../../runbook/remedies/remedy.ts';
import { toReachError } from '../failure.ts';
import { runInTime, withPrivilegedConnection } from './connection.ts';
import type { InTime } from './connection.ts';
import { readMaxConnections } from './read-max-connections.ts';

/** ALTER SYSTEM takes no parameters, so the value is a number before it is text. Throws PrivilegedUnavailable. */
async function alterMaxConnections(inTime: InTime, to: number | null): Promise<void> {
  if (to !== null && !Number.isSafeInteger(to)) throw new RangeError('It is a whole number.');
  const what = to === null ? 'RESET max_connections' : `SET max_connections = ${to}`;
  try {
    await withPrivilegedConnection(inTime.url, (client) =>
      runInTime(client, inTime, `ALTER SYSTEM ${what}`),
    );
  } catch (error) {
    const refusal = error instanceof PrivilegedUnavailable ? error.cause : undefined;
    if (refusal instanceof DatabaseError)
      throw new PrivilegedUnavailable(explain(refusal.code), { cause: refusal });
    throw error;
  }
}

function explain(code: string | undefined): string {
  switch (code) {
    case '42501':
      return 'PostgreSQL does not let the acting role run ALTER SYSTEM SET max_connections. GRANT ALTER SYSTEM ON PARAMETER max_connections to it (PostgreSQL 15+).';
    case '22023':
      return 'PostgreSQL refuses this value of max_connections.';
    default:
      return `PostgreSQL refused ALTER SYSTEM (SQLSTATE ${code ?? 'unknown'}); its log says why.`;
  }
}

const Row = z.object({ max_connections: z.coerce.number().int() });

/** One attempt to log in, and what came of it. */
async function readAcceptance(url: string): Promise<Acceptance> {
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

/** A large server that was busy writes for minutes; the shutdown would have to write the same. */
const withinMs = 300_000;

/**
 * CHECKPOINT needs a superuser or pg_checkpoint (PostgreSQL 15+). The connection's statement_timeout ends the waiting
 * only: the server goes on writing, and the next time asked it soon has nothing left to write.
 */
async function writeCheckpoint(url: string): Promise<'written' | 'not allowed' | 'too slow'> {
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

/** max_connections over PostgreSQL itself, as the acting role. Each call has a connection of its own: a restart ends all. */
export function createServerSettings(url: string): ServerSettings {
  return {
    readMaxConnections: () => withPrivilegedConnection(url, readMaxConnections),
    alterMaxConnections: (to, lease) => alterMaxConnections({ url, lease }, to),
    writeCheckpoint: () => writeCheckpoint(url),
    readAcceptance: () => readAcceptance(url),
  };
}
