import { z } from 'zod';
import type { SpareReason } from '../runbook/ports.ts';

/** dbconn's sessions, under whichever of its roles, bear this application_name. */
export const ownApplication = 'dbconn';

const reasons = [
  'own',
  'hidden',
  'not a client',
  'replication',
  'superuser',
  'protected application',
  'pooler',
  'no privilege',
] as const satisfies readonly SpareReason[];

export const SpareReasonText = z.enum(reasons);

export interface SpareParameters {
  /** The placeholders of three text arrays, such as `$4`. */
  readonly protectedApplications: string;
  readonly poolers: string;
  readonly applicationRoles: string;
}

/**
 * SQL that gives the reason to spare session `a` (columns of pg_stat_activity, rolsuper, rolreplication), or null.
 * It stands in the statement that plans and in the one that signals, so that both spare the same.
 *
 * Every case in which pg_terminate_backend would raise an error is named here first: an error in the middle
 * of several calls takes back nothing of what was signalled and hides what was.
 */
export function spareReasonSql(parameters: SpareParameters): string {
  const { protectedApplications, poolers, applicationRoles } = parameters;
  return /* sql */ `CASE
    WHEN a.pid = pg_backend_pid() OR a.application_name = '${ownApplication}' THEN 'own'
    WHEN a.backend_start IS NULL OR a.backend_type IS NULL OR a.state IS NULL THEN 'hidden'
    WHEN a.backend_type <> 'client backend' OR a.rolsuper IS NULL THEN 'not a client'
    WHEN a.rolreplication AND NOT a.rolsuper THEN 'replication'
    WHEN a.rolsuper AND NOT (a.usename::text = ANY (${applicationRoles}::text[])
      AND (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)) THEN 'superuser'
    WHEN a.application_name = ANY (${protectedApplications}::text[]) THEN 'protected application'
    WHEN lower(a.application_name) = ANY (${poolers}::text[]) THEN 'pooler'
    WHEN NOT (pg_has_role(a.usesysid, 'USAGE') OR pg_has_role('pg_signal_backend', 'USAGE')) THEN 'no privilege'
  END`;
}
