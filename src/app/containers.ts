import type Docker from 'dockerode';
import type { Config, TargetConfig } from '../config/config.ts';
import { ConfigError } from '../config/environment.ts';
import { engineOf } from '../config/file.ts';
import { connectDocker, connectOwnEngine } from '../docker/connect.ts';
import { execPsql } from '../docker/exec-psql.ts';
import { DockerFailure } from '../docker/failure.ts';
import { DockerServices } from '../docker/services.ts';
import type { DatabaseOptions } from '../postgres/lifeline.ts';
import type { Services } from '../runbook/snapshot/ports.ts';
import type { Clock } from '../timing.ts';

/** What of a target is read through its containers. */
interface ContainerParts {
  readonly services: Services;
  readonly exec?: NonNullable<DatabaseOptions['exec']>;
}

/** A target whose containers are configured. */
export type ComposeTarget = TargetConfig & {
  readonly compose: NonNullable<TargetConfig['compose']>;
};

export type Engines = (compose: ComposeTarget['compose']) => Docker;

/**
 * Connects each target to its engine: its own, or the one of the environment. Targets on one engine share a client.
 * Throws ConfigError with every engine that cannot be used.
 */
export function connectEngines({ docker, targets }: Config): Engines {
  const engines = new Map<string, Docker>();
  const problems: string[] = [];
  for (const { target, compose } of targets) {
    if (compose === undefined || engines.has(engineOf(compose))) continue;
    const { docker: own } = compose;
    try {
      const engine =
        own === undefined ? connectDocker(docker) : connectOwnEngine(own, docker.DOCKER_CONFIG);
      engines.set(engineOf(compose), engine);
    } catch (error) {
      if (!(error instanceof DockerFailure)) throw error;
      problems.push(own === undefined ? error.message : `${target.name}: ${error.message}`);
    }
  }
  if (problems.length > 0) throw new ConfigError([...new Set(problems)]);
  return (compose) => {
    const engine = engines.get(engineOf(compose));
    if (engine === undefined) throw new Error('A target that is not of this configuration.');
    return engine;
  };
}

export function openContainers(
  docker: Docker,
  { target, compose, database, logs }: ComposeTarget,
  clock: Clock,
): ContainerParts {
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
    ...(postgresService !== undefined &&
      user !== undefined && {
        exec: execPsql(docker, { project, postgresService, user, database: 'postgres' }),
      }),
  };
}
