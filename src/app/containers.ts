import type Docker from 'dockerode';
import type { Config, TargetConfig } from '../config/config.ts';
import { ConfigError } from '../config/environment.ts';
import { connectDocker, connectOwnEngine } from '../docker/connect.ts';
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

/**
 * Connects each target to its engine: its own, or the one of the environment. Targets on one engine share a client.
 * Throws ConfigError with every engine that cannot be used.
 */
export function openContainers(config: Config, clock: Clock): OpenContainers {
  const engines = connectEngines(config);
  return ({ target, compose, database, logs }) => {
    const { project, postgres: postgresService, directory, envFile } = compose;
    const docker = engines(compose);
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
      poolSettings: createPoolSettings({ ...compose, docker, services: target.services }),
      ...(postgresService !== undefined && {
        serverHost: new ContainerHost({ docker, project, postgresService }),
        ...(user !== undefined && {
          exec: execPsql(docker, { project, postgresService, user, database: 'postgres' }),
        }),
      }),
    };
  };
}

type Compose = NonNullable<TargetConfig['compose']>;

function connectEngines({ docker, targets }: Config): (compose: Compose) => Docker {
  const keyOf = ({ docker: own }: Compose): string => JSON.stringify(own ?? null);
  const engines = new Map<string, Docker>();
  const problems: string[] = [];
  for (const { target, compose } of targets) {
    if (compose === undefined || engines.has(keyOf(compose))) continue;
    const { docker: own } = compose;
    try {
      const engine =
        own === undefined ? connectDocker(docker) : connectOwnEngine(own, docker.DOCKER_CONFIG);
      engines.set(keyOf(compose), engine);
    } catch (error) {
      if (!(error instanceof DockerFailure)) throw error;
      problems.push(own === undefined ? error.message : `${target.name}: ${error.message}`);
    }
  }
  if (problems.length > 0) throw new ConfigError([...new Set(problems)]);
  return (compose) => {
    const engine = engines.get(keyOf(compose));
    if (engine === undefined) throw new Error('A target that is not of this configuration.');
    return engine;
  };
}
