import { z } from 'zod';
import { MaxConnectionsReading } from '../../runbook/remedies/b-raise-max-connections/ports.ts';
import type {
  Acceptance,
  ServerSettings,
} from '../../runbook/remedies/b-raise-max-connections/ports.ts';
import { PrivilegedUnavailable } from '../../runbook/remedies/remedy.ts';
import { toReachError } from '../failure.ts';
import { readVersion, refusedWith, runInTime, withPrivilegedConnection } from './connection.ts';
import type { InTime, Queryable } from './connection.ts';

/**
 * ALTER SYSTEM ON PARAMETER exists from PostgreSQL 15 on, and so does the function that asks for it.
 * A logical subscriber is a walsender as well, and does not care for max_connections: its slot tells it apart.
 */
function statement(version: number): string {
  const alterSystem =
    version >= 150_000
      ? `has_parameter_privilege('max_connections', 'ALTER SYSTEM')`
      : 'me.rolsuper';
  const number = (name: string, otherwise: string): string =>
    `coalesce(nullif(current_setting('${name}', true), '')::float8, ${otherwise})`;
  return /* sql */ `
WITH me AS (SELECT * FROM pg_roles WHERE rolname = current_user),
held AS (SELECT * FROM pg_settings WHERE name = 'max_connections'),
client AS (SELECT xact_start FROM pg_stat_activity WHERE backend_type = 'client backend'),
standby AS (
  SELECT application_name, host(client_addr) AS address FROM pg_stat_replication r
   WHERE state <> 'backup' AND NOT EXISTS (
     SELECT FROM pg_replication_slots s WHERE s.active_pid = r.pid AND s.slot_type = 'logical')
   ORDER BY application_name, address LIMIT 20)
SELECT jsonb_build_object(
  'inRecovery', pg_is_in_recovery(),
  'held', (SELECT jsonb_build_object('inForce', setting::int, 'source', source, 'pendingRestart', pending_restart,
      'isFromAuto', coalesce(sourcefile LIKE '%/postgresql.auto.conf', false), 'boot', boot_val::int) FROM held),
  'otherPending', (SELECT coalesce(jsonb_agg(name), '[]') FROM
      (SELECT name FROM pg_settings WHERE pending_restart AND name <> 'max_connections' ORDER BY name LIMIT 10) p),
  'dataDirectory', (SELECT setting FROM pg_settings WHERE name = 'data_directory'),
  'privileges', (SELECT jsonb_build_object('alterSystem', ${alterSystem},
      'alterSystemAllowed', coalesce(current_setting('allow_alter_system', true), 'on') = 'on') FROM me),
  'readFiles', has_function_privilege('pg_show_all_file_settings()', 'EXECUTE'),
  'slots', jsonb_build_object('superuserReserved', ${number('superuser_reserved_connections', '0')},
      'reserved', ${number('reserved_connections', '0')},
      'otherProcesses', ${number('autovacuum_worker_slots', number('autovacuum_max_workers', '3'))}
        + ${number('max_worker_processes', '8')} + ${number('max_wal_senders', '10')}),
  'sessions', (SELECT jsonb_build_object('clients', count(*), 'inTransaction', count(xact_start)) FROM client),
  'memory', jsonb_build_object('locksPerTransaction', ${number('max_locks_per_transaction', '64')},
      'workMemBytes', (SELECT setting::float8 * 1024 FROM pg_settings WHERE name = 'work_mem'),
      'hashMultiplier', ${number('hash_mem_multiplier', '1')},
      'sharedBytes', (SELECT setting::float8 * 1048576 FROM pg_settings WHERE name = 'shared_memory_size')),
  'standbys', (SELECT coalesce(jsonb_agg(jsonb_build_object('application', application_name, 'address', address)), '[]') FROM standby),
  'absentStandbys', (SELECT count(*) FROM pg_replication_slots WHERE slot_type = 'physical' AND NOT active)
) AS reading`;
}

/** What the files say, whether or not it is in force yet. postgresql.auto.conf is read last. */
const filesStatement = /* sql */ `
SELECT (SELECT setting FROM pg_show_all_file_settings() WHERE name = 'max_connections'
           AND sourcefile LIKE '%/postgresql.auto.conf' ORDER BY seqno DESC LIMIT 1) AS auto,
       (SELECT setting FROM pg_show_all_file_settings() WHERE name = 'max_connections'
           AND sourcefile NOT LIKE '%/postgresql.auto.conf' ORDER BY seqno DESC LIMIT 1) AS other`;

const MaxConnectionsRow = z.object({
  reading: MaxConnectionsReading.omit({
    version: true,
    inForce: true,
    source: true,
    pendingRestart: true,
    auto: true,
    beneath: true,
  }).extend({
    held: z.object({
      inForce: z.number(),
      source: z.string(),
      pendingRestart: z.boolean(),
      isFromAuto: z.boolean(),
      boot: z.number(),
    }),
    readFiles: z.boolean(),
  }),
});

/** A file may say `'200'`, and a line that is no number is PostgreSQL's to refuse. */
const inFile = z.coerce.number().int().nullable().catch(null);
const FilesRow = z.object({ auto: inFile, other: inFile });

/** max_connections, where it comes from, and what a change of it has to heed. */
async function readMaxConnections(client: Queryable): Promise<MaxConnectionsReading> {
  const version = await readVersion(client);
  const { rows } = await client.query(statement(version), []);
  const { held, readFiles, ...rest } = MaxConnectionsRow.parse(rows[0]).reading;
  const { inForce, source, pendingRestart, isFromAuto, boot } = held;
  if (readFiles) {
    const files = await client.query(filesStatement, []);
    const { auto, other } = FilesRow.parse(files.rows[0]);
    return { ...rest, version, inForce, source, pendingRestart, auto, beneath: other ?? boot };
  }
  // Who may not read the files sees at least which of them gave the value that holds.
  const auto = isFromAuto ? inForce : null;
  return { ...rest, version, inForce, source, pendingRestart, auto, beneath: null };
}

/** ALTER SYSTEM takes no parameters, so the value is a number before it is text. Throws PrivilegedUnavailable. */
async function alterMaxConnections(inTime: InTime, to: number | null): Promise<void> {
  if (to !== null && !Number.isSafeInteger(to)) throw new RangeError('It is a whole number.');
  const what = to === null ? 'RESET max_connections' : `SET max_connections = ${to}`;
  try {
    await withPrivilegedConnection(inTime.url, (client) =>
      runInTime(client, inTime, `ALTER SYSTEM ${what}`),
    );
  } catch (error) {
    const refusal = refusedWith(error);
    if (refusal === undefined) throw error;
    throw new PrivilegedUnavailable(explain(refusal.code), { cause: refusal });
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
      const code = refusedWith(error)?.code;
      if (code === '42501') return 'not allowed';
      if (code !== '57014') throw error;
      if (performance.now() >= giveUpAt) return 'too slow';
    }
  }
}

/** max_connections over PostgreSQL itself, as the privileged role. Each call has a connection of its own: a restart ends all. */
export function createServerSettings(url: string): ServerSettings {
  return {
    readMaxConnections: () => withPrivilegedConnection(url, readMaxConnections),
    alterMaxConnections: (to, lease) => alterMaxConnections({ url, lease }, to),
    writeCheckpoint: () => writeCheckpoint(url),
    readAcceptance: () => readAcceptance(url),
  };
}
