import { DatabaseError } from 'pg';
import { PrivilegedUnavailable } from '../../runbook/remedies/acting-unavailable.ts';
import { withPrivilegedConnection } from '../acting-connection.ts';
import type { InTime } from '../run-in-time.ts';
import { runInTime } from '../run-in-time.ts';

/** ALTER SYSTEM takes no parameters, so the value is a number before it is text. Throws PrivilegedUnavailable. */
export async function alterMaxConnections(inTime: InTime, to: number | null): Promise<void> {
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
