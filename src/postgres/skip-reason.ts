import { skipByName } from '../runbook/diagnose/protected-sessions.ts';
import type { SkipGuard } from '../runbook/diagnose/protected-sessions.ts';

/** dbconn's sessions have this application_name and one of its roles: anybody can call themselves that. */
export const ownApplication = 'dbconn';

/** What the placeholder of `skipReasonSql` stands for: the guard, and those of these names that are its own but for how they are written. */
export function toSkipParameter(guard: SkipGuard, names: readonly string[] = []): string {
  const alike = (reason: ReturnType<typeof skipByName>): string[] =>
    names.filter((name) => skipByName(name, guard) === reason);
  const poolers = [...guard.poolerApplications, ...alike('pooler')];
  return JSON.stringify({
    protected: [...guard.protectedApplications, ...alike('protected application')],
    poolers: poolers.map((name) => name.toLowerCase()),
    applicationRoles: guard.applicationRoles,
    ownRoles: guard.ownRoles ?? [],
  });
}

/** Of a row of pg_roles: a replica or a backup tool logs in as such a role; superusers have the attribute too. */
export const isReplicationRole = (role: string): string =>
  `${role}.rolreplication AND NOT ${role}.rolsuper`;

/**
 * SQL that gives the reason to skip session `a` (columns of pg_stat_activity, rolsuper, rolreplication), or null.
 * A commit that waits for a standby is done here already: cancelled or terminated it stays done, and its client is told
 * otherwise (PostgreSQL documentation, synchronous_standby_names; SyncRepWaitForLSN in its source).
 * Its parameter is the placeholder of `toSkipParameter`, such as `$4`.
 * It stands in the statement that plans and in the one that signals, so that both skip the same.
 *
 * Every case in which pg_terminate_backend would raise an error is named here first: an error in the middle
 * of several calls takes back nothing of what was signalled and hides what was.
 */
export function skipReasonSql(parameter: string): string {
  const isAmong = (name: string, list: string): string =>
    `coalesce((${parameter}::jsonb -> '${list}') ? ${name}::text, false)`;
  return /* sql */ `CASE
    WHEN a.pid = pg_backend_pid() OR (a.application_name = '${ownApplication}' AND (
      a.usename = current_user OR ${isAmong('a.usename', 'ownRoles')})) THEN 'own'
    WHEN a.backend_start IS NULL OR a.backend_type IS NULL OR a.state IS NULL THEN 'hidden'
    WHEN a.backend_type <> 'client backend' OR a.rolsuper IS NULL THEN 'not a client'
    WHEN ${isReplicationRole('a')} THEN 'replication'
    WHEN a.rolsuper AND NOT (${isAmong('a.usename', 'applicationRoles')}
      AND (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)) THEN 'superuser'
    WHEN ${isAmong('a.application_name', 'protected')} THEN 'protected application'
    WHEN ${isAmong('lower(a.application_name)', 'poolers')} THEN 'pooler'
    WHEN a.wait_event = 'SyncRep' THEN 'committing'
    WHEN NOT (pg_has_role(a.usesysid, 'USAGE') OR pg_has_role('pg_signal_backend', 'USAGE')) THEN 'no privilege'
  END`;
}
