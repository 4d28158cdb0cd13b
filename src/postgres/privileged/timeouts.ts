import { escapeIdentifier } from 'pg';
import { z } from 'zod';
import { TimeoutReading } from '../../runbook/remedies/prevention/ports.ts';
import type {
  TimeoutInterest,
  TimeoutName,
  TimeoutPlace,
  Timeouts,
} from '../../runbook/remedies/prevention/ports.ts';
import { ownApplication } from '../skip-reason.ts';
import { microseconds } from '../snapshot/snapshot-statement.ts';
import { privileged, readVersion, refusalOf, runInTime } from './connection.ts';
import type { PrivilegedRole, Queryable } from './connection.ts';

/** PostgreSQL's units of time, in milliseconds. They are case-sensitive there. */
const units: Readonly<Record<string, number>> = {
  '': 1,
  us: 0.001,
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const hexadecimal = /^0[xX][\da-fA-F]+/;
const octal = /^0[0-7]+(?![\d.eE])/;
const decimal = /^\d+(\.\d*)?([eE][+-]?\d+)?/;

/** A setting counted in milliseconds as PostgreSQL reads it, such as `600000`, `10min` or `1.5 h`; null for none. */
export function toMilliseconds(text: string | null): number | null {
  const trimmed = text?.trim() ?? '';
  const [digits] = hexadecimal.exec(trimmed) ?? octal.exec(trimmed) ?? decimal.exec(trimmed) ?? [];
  if (digits === undefined) return null;
  const factor = units[trimmed.slice(digits.length).trim()];
  if (factor === undefined) return null;
  const number = octal.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
  return toEven(number * factor);
}

/** As C's rint rounds: a half goes to the even neighbour. */
function toEven(value: number): number {
  const rounded = Math.round(value);
  return value % 1 === 0.5 && rounded % 2 === 1 ? rounded - 1 : rounded;
}

const mostOverrides = 50;

/** Sources of pg_settings that hold for this session or its role alone. */
const ownSources = ['database', 'user', 'database user', 'client', 'session', 'override'];

/**
 * $1 the setting, $2 the role or null, $3 milliseconds or null, $4 poolers, $5 roles of dbconn beside the privileged one.
 * ALTER SYSTEM ON PARAMETER exists from PostgreSQL 15 on, and so does the function that asks for it.
 */
function statement(version: number): string {
  const alterSystem =
    version >= 150_000 ? `has_parameter_privilege($1, 'ALTER SYSTEM')` : 'me.rolsuper';
  return /* sql */ `
WITH me AS (SELECT * FROM pg_roles WHERE rolname = current_user),
own AS (
  SELECT d.datname AS database, r.rolname AS role, substr(c, length($1) + 2) AS value, s.setdatabase = 0 AS everywhere
    FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) c
    LEFT JOIN pg_database d ON d.oid = s.setdatabase LEFT JOIN pg_roles r ON r.oid = s.setrole
   WHERE starts_with(c, $1 || '=')),
beats AS (
  SELECT role, database, value FROM own
   WHERE $2::text IS NULL OR (role = $2 AND NOT everywhere) ORDER BY role, database),
client AS (
  SELECT a.application_name, a.state, a.state_change FROM pg_stat_activity a
   WHERE a.backend_type = 'client backend' AND NOT (coalesce(a.application_name, '') = '${ownApplication}' AND a.usename = ANY ($5::text[] || current_user::text)) AND ($2::text IS NULL OR a.usename = $2))
SELECT jsonb_build_object(
  'inRecovery', pg_is_in_recovery(),
  'held', (SELECT jsonb_build_object('value', setting, 'boot', boot_val, 'source', source) FROM pg_settings WHERE name = $1),
  'atRole', (SELECT value FROM own WHERE role = $2 AND everywhere),
  'loadedAt', ${microseconds('pg_conf_load_time()')},
  'overrides', (SELECT coalesce(jsonb_agg(b), '[]') FROM (SELECT * FROM beats LIMIT ${mostOverrides}) b),
  'overridesTotal', (SELECT count(*) FROM beats),
  'privileges', (SELECT jsonb_build_object('actingRole', me.rolname, 'superuser', me.rolsuper, 'createRole', me.rolcreaterole,
      'alterSystem', ${alterSystem}, 'reload', has_function_privilege('pg_reload_conf()', 'EXECUTE'),
      'readFiles', has_function_privilege('pg_show_all_file_settings()', 'EXECUTE'),
      'alterSystemAllowed', coalesce(current_setting('allow_alter_system', true), 'on') = 'on') FROM me),
  'role', (SELECT jsonb_build_object('canLogin', rolcanlogin, 'superuser', rolsuper,
      'isAdministered', pg_has_role(oid, 'MEMBER WITH ADMIN OPTION')) FROM pg_roles WHERE rolname = $2),
  'sessions', (SELECT jsonb_build_object('open', count(*),
      'resting', count(*) FILTER (WHERE state_change < clock_timestamp() - $3::float8 * interval '1 millisecond'
        AND CASE $1 WHEN 'idle_session_timeout' THEN state = 'idle' ELSE state LIKE 'idle in transaction%' END),
      'poolers', count(*) FILTER (WHERE lower(application_name) = ANY ($4::text[]))) FROM client)
) AS reading`;
}

/** What the files say, whether or not it holds. A line that cannot be parsed has no name. */
const filesStatement = /* sql */ `
SELECT jsonb_build_object(
  'broken', (SELECT count(*) > 0 FROM pg_show_all_file_settings() WHERE name IS NULL),
  'auto', (SELECT setting FROM pg_show_all_file_settings() WHERE name = $1
              AND sourcefile LIKE '%/postgresql.auto.conf' ORDER BY seqno DESC LIMIT 1),
  'last', (SELECT setting FROM pg_show_all_file_settings() WHERE name = $1 ORDER BY seqno DESC LIMIT 1)
) AS files`;

const Row = z.object({
  reading: TimeoutReading.pick({
    inRecovery: true,
    loadedAt: true,
    overrides: true,
    overridesTotal: true,
    sessions: true,
  }).extend({
    held: z.object({ value: z.string(), boot: z.string(), source: z.string() }).nullable(),
    atRole: z.string().nullable(),
    privileges: TimeoutReading.shape.privileges.omit({ filesBroken: true }),
    role: TimeoutReading.shape.role.unwrap().nullable(),
  }),
});
type Row = z.infer<typeof Row>['reading'];

const FilesRow = z.object({
  files: z.object({
    broken: z.boolean(),
    auto: z.string().nullable(),
    last: z.string().nullable(),
  }),
});
type Files = z.infer<typeof FilesRow>['files'];

/** What is set at a place, what holds there, what beats it, and what the privileged role may do about it. */
async function readTimeout(
  client: Queryable,
  place: TimeoutPlace,
  { overMs, poolers, ownRoles = [] }: TimeoutInterest,
): Promise<TimeoutReading> {
  const version = await readVersion(client);
  const { setting, role } = place;
  const { rows } = await client.query(statement(version), [
    setting,
    role,
    overMs,
    poolers,
    ownRoles,
  ]);
  const row = Row.parse(rows[0]).reading;
  const files = row.privileges.readFiles ? await readFiles(client, setting) : undefined;
  return toReading({ version, place, row, files });
}

async function readFiles(client: Queryable, setting: string): Promise<Files> {
  const { rows } = await client.query(filesStatement, [setting]);
  return FilesRow.parse(rows[0]).files;
}

interface Parts {
  readonly version: number;
  readonly place: TimeoutPlace;
  readonly row: Row;
  readonly files: Files | undefined;
}

function toReading({ version, place, row, files }: Parts): TimeoutReading {
  const { held, atRole, role, privileges, ...rest } = row;
  const isOverriddenHere = held !== null && ownSources.includes(held.source);
  const ofServer = isOverriddenHere
    ? ((files && toMilliseconds(files.last ?? held.boot)) ?? null)
    : toMilliseconds(held?.value ?? null);
  const setText = place.role === null ? (files?.auto ?? null) : atRole;
  return {
    ...rest,
    version,
    exists: held !== null,
    setMs: toMilliseconds(setText),
    inForceMs: place.role === null ? ofServer : (toMilliseconds(atRole) ?? ofServer),
    source: place.role !== null && atRole !== null ? 'user' : (held?.source ?? 'none'),
    isOverriddenHere,
    privileges: { ...privileges, filesBroken: files?.broken ?? false },
    ...(role !== null && { role }),
  };
}

/** The two time-outs of the runbook's prevention, by a superuser, or on PostgreSQL 15+ a role with what deploy/grants.sql gives it. */
export function createTimeouts({ url, ownRoles = [] }: PrivilegedRole): Timeouts {
  return privileged(url, (client) => ({
    readTimeout: (place, interest = noInterest) =>
      readTimeout(client, place, { ...interest, ownRoles }),
    alterTimeout: (place, ms, lease) =>
      refusalOf(runInTime(client, { url, lease }, alterStatement(place, ms))),
    reloadConfiguration: (lease) => runInTime(client, { url, lease }, 'SELECT pg_reload_conf()'),
  }));
}

const noInterest = { overMs: null, poolers: [] };

/** Neither takes parameters, so the name is one of these, the value a number and the role a quoted identifier. */
const names = {
  idle_in_transaction_session_timeout: 'idle_in_transaction_session_timeout',
  idle_session_timeout: 'idle_session_timeout',
} as const satisfies Record<TimeoutName, TimeoutName>;

function alterStatement({ setting, role }: TimeoutPlace, ms: number | null): string {
  const who = role === null ? 'SYSTEM' : `ROLE ${escapeIdentifier(role)}`;
  const what = ms === null ? `RESET ${names[setting]}` : `SET ${names[setting]} = ${whole(ms)}`;
  return `ALTER ${who} ${what}`;
}

function whole(ms: number): string {
  if (!Number.isSafeInteger(ms) || ms < 0) throw new RangeError('A time-out is a whole number.');
  return `'${ms}ms'`;
}
