import { z } from 'zod';
import type { MaxConnectionsReading } from '../../runbook/remedies/b-raise-max-connections/ports.ts';
import type { Queryable } from './connection.ts';

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

const Version = z.object({ version: z.coerce.number().int() });

const Row = z.object({
  reading: z.object({
    inRecovery: z.boolean(),
    held: z.object({
      inForce: z.number(),
      source: z.string(),
      pendingRestart: z.boolean(),
      isFromAuto: z.boolean(),
      boot: z.number(),
    }),
    otherPending: z.array(z.string()),
    dataDirectory: z.string().nullable(),
    privileges: z.object({ alterSystem: z.boolean(), alterSystemAllowed: z.boolean() }),
    readFiles: z.boolean(),
    slots: z.object({
      superuserReserved: z.number(),
      reserved: z.number(),
      otherProcesses: z.number(),
    }),
    sessions: z.object({ clients: z.number(), inTransaction: z.number() }),
    memory: z.object({
      locksPerTransaction: z.number(),
      workMemBytes: z.number(),
      hashMultiplier: z.number(),
      sharedBytes: z.number().nullable(),
    }),
    standbys: z.array(z.object({ application: z.string(), address: z.string().nullable() })),
    absentStandbys: z.number(),
  }),
});

/** A file may say `'200'`, and a line that is no number is PostgreSQL's to refuse. */
const inFile = z.coerce.number().int().nullable().catch(null);
const FilesRow = z.object({ auto: inFile, other: inFile });

/** max_connections, where it comes from, and what a change of it has to heed. */
export async function readMaxConnections(client: Queryable): Promise<MaxConnectionsReading> {
  const asked = await client.query(`SELECT current_setting('server_version_num') AS version`, []);
  const { version } = Version.parse(asked.rows[0]);
  const { rows } = await client.query(statement(version), []);
  const { held, readFiles, ...rest } = Row.parse(rows[0]).reading;
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
