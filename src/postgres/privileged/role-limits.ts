import { escapeIdentifier } from 'pg';
import { z } from 'zod';
import { RoleLimitReading } from '../../runbook/remedies/prevention/ports.ts';
import type { RoleLimits } from '../../runbook/remedies/prevention/ports.ts';
import { privileged, refusalOf, runInTime } from './connection.ts';
import type { InTime, PrivilegedRole, Queryable } from './connection.ts';

/** The connection limits of roles, over PostgreSQL itself. A limit of one of dbconn's own roles would lock itself out. */
export function createRoleLimits({ url, ownRoles = [] }: PrivilegedRole): RoleLimits {
  return privileged(url, (client) => ({
    readRoleLimit: async (role) => {
      const reading = await readRoleLimit(client, role);
      return { ...reading, isOwn: reading.isOwn || ownRoles.includes(role) };
    },
    alterRoleLimit: (role, limit, lease) => alterRoleLimit({ client, url, lease }, role, limit),
  }));
}

/** The kind of a session that the privileged role may not see is null; its names are there for everybody. */
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
  reading: RoleLimitReading.extend({ role: RoleLimitReading.shape.role.unwrap().nullable() }),
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
