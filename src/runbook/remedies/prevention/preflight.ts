import { quoteIdentifier } from '../../snapshot/words.ts';
import type { RemedyRequest } from '../remedy-request.ts';
import { done, refuse } from '../remedy.ts';
import type { Answer } from '../remedy.ts';
import type { TimeoutReading } from './ports.ts';

export type TimeoutRequest = Extract<RemedyRequest, { kind: 'set-timeout' }>;

/**
 * What needs no look: nobody sets idle_session_timeout for all. A pooler keeps its sessions idle on purpose and would
 * hand a dead one to the next client (PostgreSQL's manual warns of it).
 */
export function refuseHazard({ setting, role, ms }: TimeoutRequest): Answer<null> {
  if (setting !== 'idle_session_timeout' || role !== null || ms === null || ms === 0) {
    return done(null);
  }
  return refuse(
    'pooler-hazard',
    'For the whole cluster, idle_session_timeout would end idle sessions of every pool, and their next requests fail.',
    'Set it for one role of people or reports. For a pool, set DATABASE_POOL_RECYCLE.',
  );
}

/** Whether it can be set there and would hold, before anybody votes on it. */
export function preflight(ask: TimeoutRequest, now: TimeoutReading, byHand = false): Answer<null> {
  if (!now.exists) {
    const next = 'Set pool_recycle in the applications, or use a newer PostgreSQL.';
    return refuse(
      'unsupported',
      `This PostgreSQL has no ${ask.setting}. It exists from version 14 on.`,
      next,
    );
  }
  const there = ask.role === null ? checkCluster(ask, now) : checkRole(ask.role, now);
  const isLack = !there.ok && lacks.has(there.refusal.kind);
  if (!there.ok && !(byHand && isLack)) return there;
  const { ms } = ask;
  if (now.setMs !== ms || (ms !== null && now.inForceMs !== ms)) return done(null);
  const next = 'Check with SHOW, or in pg_db_role_setting.';
  return refuse('nothing-to-do', `${ask.setting} already has this value.`, next);
}

/** What another person, or another place, has: no harm. */
const lacks: ReadonlySet<string> = new Set(['not-allowed', 'command-line', 'privilege']);

function checkCluster({ setting }: TimeoutRequest, now: TimeoutReading): Answer<null> {
  const { privileges } = now;
  if (!privileges.alterSystemAllowed) {
    const why = 'ALTER SYSTEM is disabled here (allow_alter_system).';
    return refuse('not-allowed', why, `Set ${setting} where this server's settings are managed.`);
  }
  if (now.source === 'command line') {
    const why = `${setting} comes from the command line, which overrides ALTER SYSTEM.`;
    const next = 'Change it in command: of the compose file, or where the server is started.';
    return refuse('command-line', why, next);
  }
  if (privileges.filesBroken) {
    return refuse(
      'files-broken',
      "A line of PostgreSQL's configuration is invalid, so a reload would change nothing.",
      'Fix what SELECT * FROM pg_file_settings WHERE error IS NOT NULL shows.',
    );
  }
  const missing = missingGrants(setting, now);
  if (missing.length === 0) return done(null);
  return refuse('privilege', 'The acting role may not change settings.', missing.join(' '));
}

function missingGrants(
  setting: TimeoutRequest['setting'],
  { version, privileges }: TimeoutReading,
): string[] {
  const { superuser, alterSystem, reload, readFiles, actingRole } = privileges;
  if (superuser) return [];
  if (version < 150_000) {
    return [
      'Before PostgreSQL 15 this needs a superuser: set one as actingUrl, or run it by hand.',
    ];
  }
  const to = `TO ${quoteIdentifier(actingRole)};`;
  return [
    ...(alterSystem ? [] : [`GRANT ALTER SYSTEM ON PARAMETER ${setting} ${to}`]),
    ...(reload ? [] : [`GRANT EXECUTE ON FUNCTION pg_reload_conf() ${to}`]),
    ...(readFiles ? [] : [`GRANT EXECUTE ON FUNCTION pg_show_all_file_settings() ${to}`]),
  ];
}

function checkRole(name: string, now: TimeoutReading): Answer<null> {
  const { role, privileges, version } = now;
  if (role === undefined) {
    return refuse('unknown-role', 'No role has that name.', 'List the roles with \\du.');
  }
  if (!role.canLogin) {
    const why = 'That role cannot log in, so the setting would have no effect.';
    return refuse('group-role', why, 'Choose a role that logs in.');
  }
  if (now.inRecovery) {
    const why = 'This server is a standby: roles are changed on its primary.';
    return refuse('standby', why, 'Propose it for the primary.');
  }
  if (privileges.superuser || name === privileges.actingRole) return done(null);
  if (role.superuser) {
    const why = 'Only a superuser may change the settings of a superuser.';
    return refuse('privilege', why, 'Set a superuser as actingUrl, or run it by hand.');
  }
  if (privileges.createRole && (version < 160_000 || role.isAdministered)) return done(null);
  const privileged = quoteIdentifier(privileges.actingRole);
  const next =
    version < 160_000
      ? 'Run it by hand as a superuser: before PostgreSQL 16, CREATEROLE is nearly a superuser.'
      : `ALTER ROLE ${privileged} CREATEROLE; and GRANT that role TO ${privileged} WITH ADMIN OPTION, INHERIT FALSE, SET FALSE;`;
  return refuse('privilege', 'The acting role may not change the settings of that role.', next);
}
