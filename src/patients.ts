import type Docker from 'dockerode';
import { DockerFailure } from './compose/failure.ts';
import { execPsql } from './compose/exec-psql.ts';
import { probeDocker } from './compose/probe-docker.ts';
import { createPoolSettings } from './compose/resize-pools.ts';
import { restartReplica } from './compose/restart.ts';
import { createServerHost } from './compose/server-host.ts';
import { createServices } from './compose/services.ts';
import { ConfigError } from './config.ts';
import type { Config, TargetConfig } from './config.ts';
import { createPools } from './metrics/pools.ts';
import { createActing } from './postgres/act.ts';
import { createBlockers } from './postgres/blockers.ts';
import { createDatabase } from './postgres/lifeline.ts';
import { createPooler } from './postgres/pgbouncer.ts';
import { createPreparedTransactions } from './postgres/prepared-transactions.ts';
import { createServerSettings } from './postgres/settings/server-settings.ts';
import { createTimeouts } from './postgres/timeouts.ts';
import type { Clock, Services } from './runbook/ports.ts';
import type { Patient } from './runbook/runbook.ts';

/** Builds what reaches each target. The only place, beside main.ts and cli.ts, that constructs adapters. */
export async function createPatients(config: Config, clock: Clock): Promise<Patient[]> {
  const anyContainers = config.targets.some(({ compose }) => compose !== undefined);
  const docker = anyContainers ? await openDocker(config) : undefined;
  return config.targets.map((entry) => createPatient(entry, docker, clock));
}

/** Docker's client is a sixth of the bot's memory: whoever has no containers does without. */
async function openDocker({ docker }: Config): Promise<Docker> {
  const { connectDocker } = await import('./compose/connect-docker.ts');
  try {
    return connectDocker(docker);
  } catch (error) {
    if (error instanceof DockerFailure) throw new ConfigError([error.message]);
    throw error;
  }
}

function createPatient(entry: TargetConfig, docker: Docker | undefined, clock: Clock): Patient {
  const { target, database, compose, pgbouncer, pools } = entry;
  const { actingUrl, execUser, url, reservedUrl, rescueUrl, providerReserved } = database;
  const exec =
    execUser !== undefined && compose?.postgres !== undefined && docker !== undefined
      ? execPsql(docker, {
          project: compose.project,
          postgresService: compose.postgres,
          user: execUser,
          database: 'postgres',
        })
      : undefined;
  return {
    target,
    database: createDatabase({
      target: target.name,
      url,
      ...(reservedUrl !== undefined && { reservedUrl }),
      ...(rescueUrl !== undefined && { rescueUrl }),
      ...(exec !== undefined && { exec }),
      providerReserved,
      limits: target.limits,
      applicationRoles: target.applicationRoles,
      clock,
    }),
    services: servicesOf(entry, docker, clock),
    pools: createPools({ endpoints: pools }),
    ...(actingUrl !== undefined && {
      acting: createActing({ url: actingUrl }),
      blockers: createBlockers({ url: actingUrl }),
      prepared: createPreparedTransactions({ url: actingUrl }),
      timeouts: createTimeouts({ url: actingUrl }),
      serverSettings: createServerSettings(actingUrl),
    }),
    ...(docker !== undefined &&
      compose !== undefined && {
        restarts: { restartReplica: (id, options) => restartReplica(docker, id, options) },
        poolSettings: createPoolSettings({ docker, ...compose }),
      }),
    ...(pgbouncer !== undefined && { pooler: createPooler(pgbouncer) }),
    ...serverHostOf(entry, docker),
  };
}

function serverHostOf(
  { compose }: TargetConfig,
  docker: Docker | undefined,
): Pick<Patient, 'serverHost'> {
  const { project, postgres: postgresService } = compose ?? {};
  if (docker === undefined || project === undefined || postgresService === undefined) return {};
  return { serverHost: createServerHost({ docker, project, postgresService }) };
}

function servicesOf(
  { target, compose, logs }: TargetConfig,
  docker: Docker | undefined,
  clock: Clock,
): Services {
  if (compose === undefined || docker === undefined) return withoutCompose;
  const services = createServices({
    docker,
    project: compose.project,
    services: target.services,
    ...(target.postgresService !== undefined && { postgresService: target.postgresService }),
    logTail: logs.tail,
    ...(logs.since !== undefined && { logSinceMs: logs.since }),
    clock,
  });
  return { ...services, readPermissions: () => probeDocker(docker) };
}

const notConfigured = {
  ok: false,
  tookMs: 0,
  problem: {
    kind: 'not-configured',
    summary: 'No compose project is configured, so containers and logs are not read.',
    fix: 'Set compose.project of the target.',
  },
} as const;

const withoutCompose: Services = {
  readServices: () => Promise.resolve(notConfigured),
  readLogs: () => Promise.resolve(notConfigured),
};
