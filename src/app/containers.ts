import type Docker from 'dockerode';
import type { Config, TargetConfig } from '../config/config.ts';
import { ConfigError } from '../config/environment.ts';
import { connectDocker } from '../docker/connect.ts';
import { execPsql } from '../docker/exec-psql.ts';
import { DockerFailure } from '../docker/failure.ts';
import { createPoolSettings } from '../docker/recreate/resize-pools.ts';
import { restartReplica } from '../docker/restart.ts';
import { ContainerHost } from '../docker/server-host.ts';
import { DockerServices } from '../docker/services.ts';
import type { DatabaseOptions } from '../postgres/lifeline.ts';
import type { TargetAdapters } from '../runbook/loop/target-monitor.ts';
import type { Clock } from '../timing.ts';

/** What of a target is reached through its containers. */
export type ContainerParts = Pick<
  TargetAdapters,
  'services' | 'restarts' | 'poolSettings' | 'serverHost'
> & { readonly exec?: NonNullable<DatabaseOptions['exec']> };

export type OpenContainers = (
  entry: TargetConfig & { readonly compose: NonNullable<TargetConfig['compose']> },
) => ContainerParts;

/** Connects to the engine once for all targets. Throws ConfigError where DOCKER_HOST cannot be used. */
export function openContainers({ docker: settings }: Config, clock: Clock): OpenContainers {
  const docker = connect(settings);
  return ({ target, compose, database, logs }) => {
    const { project, postgres: postgresService, directory, envFile } = compose;
    const { execUser: user } = database;
    const services = new DockerServices({
      docker,
      project,
      services: target.services,
      ...(target.postgresService !== undefined && { postgresService: target.postgresService }),
      ...(directory !== undefined && {
        files: { directory, ...(envFile !== undefined && { envFile }) },
      }),
      logTail: logs.tail,
      ...(logs.since !== undefined && { logSinceMs: logs.since }),
      clock,
    });
    return {
      services,
      restarts: { restartReplica: (id, options) => restartReplica(docker, id, options) },
      poolSettings: createPoolSettings({ docker, services: target.services, ...compose }),
      ...(postgresService !== undefined && {
        serverHost: new ContainerHost({ docker, project, postgresService }),
        ...(user !== undefined && {
          exec: execPsql(docker, { project, postgresService, user, database: 'postgres' }),
        }),
      }),
    };
  };
}

function connect(settings: Config['docker']): Docker {
  try {
    return connectDocker(settings);
  } catch (error) {
    if (error instanceof DockerFailure) throw new ConfigError([error.message]);
    throw error;
  }
}
