import type Docker from 'dockerode';
import type { TargetConfig } from '../config/config.ts';
import { createBlockers } from '../postgres/privileged/blockers.ts';
import { readServer, withPrivilegedConnection } from '../postgres/privileged/connection.ts';
import { createIdleSessions } from '../postgres/privileged/idle-sessions.ts';
import { createPreparedTransactions } from '../postgres/privileged/prepared-transactions.ts';
import { createRoleLimits } from '../postgres/privileged/role-limits.ts';
import { createServerSettings } from '../postgres/privileged/server-settings.ts';
import { createTimeouts } from '../postgres/privileged/timeouts.ts';
import { createRoles } from '../postgres/try-logins.ts';
import type { PrivilegedAdapters, TargetAdapters } from '../runbook/loop/target-monitor.ts';
import type { ComposeTarget } from './containers.ts';

/** What may change something at a target, and the logins of the roles that may. Not loaded where dbconn only reads. */
export function openRoles({ database, target }: TargetConfig): Partial<TargetAdapters> {
  const { actingUrl, url } = database;
  return {
    roles: createRoles(database),
    // Without an acting role a person acts, and dbconn reads for the plan what its looking role may see.
    ...(actingUrl === undefined
      ? { planning: openPrivileged(url, target.ownRoles) }
      : openPrivileged(actingUrl, target.ownRoles)),
  };
}

/** What changes something in PostgreSQL, by the role that may. The demo and tests open it for servers of theirs. */
export function openPrivileged(url: string, ownRoles: readonly string[] = []): PrivilegedAdapters {
  return {
    privileged: createIdleSessions({ url }),
    blockers: createBlockers({ url }),
    prepared: createPreparedTransactions({ url }),
    timeouts: createTimeouts({ url, ownRoles }),
    roleLimits: createRoleLimits({ url, ownRoles }),
    serverSettings: createServerSettings(url),
    readServer: () => withPrivilegedConnection(url, readServer),
  };
}

/** What restarts containers and recreates them. */
export async function openEngineChanges(
  docker: Docker,
  { target, compose }: ComposeTarget,
): Promise<Pick<TargetAdapters, 'restarts' | 'poolSettings' | 'serverHost'>> {
  // Loaded only now: most targets that are changed have no containers.
  const [{ restartReplica }, { createPoolSettings }, { ContainerHost }] = await Promise.all([
    import('../docker/restart.ts'),
    import('../docker/recreate/resize-pools.ts'),
    import('../docker/server-host.ts'),
  ]);
  const { project, postgres: postgresService } = compose;
  return {
    restarts: { restartReplica: (id, options) => restartReplica(docker, id, options) },
    poolSettings: createPoolSettings({ ...compose, docker, services: target.services }),
    ...(postgresService !== undefined && {
      serverHost: new ContainerHost({ docker, project, postgresService }),
    }),
  };
}
