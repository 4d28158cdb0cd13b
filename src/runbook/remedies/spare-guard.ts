import type { SkipGuard } from './d-stop-blockers/ports.ts';
import type { Target } from '../snapshot/target.ts';

/** Poolers' application_name by default. PgBouncer passes its clients' names on: protect those instead. */
export const defaultPoolers = ['pgbouncer', 'pgcat', 'odyssey', 'pgpool', 'supavisor'] as const;

/** Whose sessions of a target are never ended. */
export function toSkipGuard(
  { protectedApplications, applicationRoles, ownRoles = [] }: Target,
  poolerApplications: readonly string[] = defaultPoolers,
): SkipGuard {
  return { protectedApplications, poolerApplications, applicationRoles, ownRoles };
}
