import { escapeIdentifier } from 'pg';
import { z } from 'zod';
import type { RoleLimitReading, RoleLimits } from '../../runbook/remedies/prevention/ports.ts';
import { refusalOf, runInTime, withPrivilegedConnection } from './connection.ts';
import type { InTime, Queryable } from './connection.ts';

interface RoleLimitsOptions {
  readonly url: string;
  /** Roles dbconn logs in with: a limit would lock itself out. */
  readonly ownRoles?: readonly string[];
}

/** The connection limits of roles, over PostgreSQL itself. */
export function createRoleLimits({ url, ownRoles = [] }: RoleLimitsOptions): RoleLimits {
  return {
    withSession: (work) =>
      withPrivilegedConnection(url, (client) =>
        work({
          readRoleLimit: async (role) => {
            const reading = await readRoleLimit(client, role);
            return { ...reading, isOwn: reading.isOwn || ownRoles.includes(role) };
          },
          alterRoleLimit: (role, limit, lease) =>
            alterRoleLimit({ client, url, lease }, role, limit),
        }),
      ),
  };
}

/** The kind of a session that the acting role may not see is null; its names are there for everybody. */
const statement = /* sql */ `
WITH held AS (
  SELECT application_name FROM pg_stat_activity WHERE usename = $1 AND coalesce(backend_type, 'client backend') = 'client backend')
SELECT jsonb_build_object(
  'version', current_setting('server_version_num')::int,
  'inRecovery', pg_is_in_recovery(),
  'acting', jsonb_build_object('role', me.rolname, 'superuser', me.rolsuper, 'createRole', me.rolcreaterole),
  'role', (SELECT jsonb_build_object('limit', nullif(rolconnlimit, -1), 'canLogin', rolcanlogin, 'superuser', rolsuper,
      'isAdministered', pg_has_role(oid, 'MEMBER WITH ADMIN OPTION')) FROM pg_roles WHERE rolname = $1),
  'isOwn', me.rolname = $1,
  'open', (SELECT count(*) FROM held),
  'applications', (SELECT coalesce(jsonb_agg(application_name), '[]')
      FROM (SELECT DISTINCT application_name FROM held WHERE application_name <> '' LIMIT 50) names)
) AS reading FROM pg_roles me WHERE me.rolname = current_user`;

const Row = z.object({
  reading: z.object({
    version: z.number().int(),
    inRecovery: z.boolean(),
    acting: z.object({ role: z.string(), superuser: z.boolean(), createRole: z.boolean() }),
    role: z
      .object({
        limit: z.number().int().nullable(),
        canLogin: z.boolean(),
        superuser: z.boolean(),
        isAdministered: z.boolean(),
      })
      .nullable(),
    isOwn: z.boolean(),
    open: z.number().int(),
    applications: z.array(z.string()),
  }),
});

async function readRoleLimit(client: Queryable, name: string): Promise<RoleLimitReading> {
  const { rows } = await client.query(statement, [name]);
  const { role, ...reading } = Row.parse(rows[0]).reading;
  return { ...reading, ...(role !== null && { role }) };
}

/** It takes no parameters, so the role is a quoted identifier and the limit a number. */
async function alterRoleLimit(
  { client, ...inTime }: InTime & { readonly client: Queryable },
  role: string,
  limit: number | null,
): Promise<string | undefined> {
  const value = limit ?? -1;
  if (!Number.isSafeInteger(value)) throw new RangeError('A connection limit is a whole number.');
  return refusalOf(
    runInTime(client, inTime, `ALTER ROLE ${escapeIdentifier(role)} CONNECTION LIMIT ${value}`),
  );
}
