import type { Connection } from './connect/connection.ts';

const timeoutMs = 1000;

/**
 * Whether an ordinary role would have got in as well. When more sessions are there than ordinary roles can have,
 * the last to come sits on a reserved slot.
 * @param providerReserved slots a managed provider keeps for itself, on top of what its own settings tell
 */
export async function readIsOnOrdinarySlot(
  connection: Connection,
  providerReserved: number,
): Promise<boolean> {
  const setting = (name: string): string =>
    `coalesce(nullif(current_setting('${name}', true), '')::int, 0)`;
  const kept = [
    'superuser_reserved_connections',
    'reserved_connections',
    'rds.rds_superuser_reserved_connections',
  ].map(setting);
  const usable = [setting('max_connections'), ...kept, String(providerReserved)].join(' - ');
  const statement = `SELECT (count(*) <= ${usable})::text FROM pg_stat_activity WHERE backend_type = 'client backend'`;
  // As in a look: nobody's functions may stand in for the server's own.
  const answer = await connection.readOne(
    `BEGIN READ ONLY; SET LOCAL search_path = pg_catalog; ${statement}; COMMIT`,
    timeoutMs,
  );
  return answer === 'true';
}
