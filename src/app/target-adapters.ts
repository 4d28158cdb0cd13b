import type { Config, TargetConfig } from '../config/config.ts';
import { engineOf } from '../config/file.ts';
import { createPools } from '../pool-metrics/pools.ts';
import { createDatabase } from '../postgres/lifeline.ts';
import type { ApprovalTarget } from '../runbook/approvals/context.ts';
import { Neighbours } from '../runbook/approvals/neighbours.ts';
import { createTargetMonitor } from '../runbook/loop/target-monitor.ts';
import type { TargetMonitor, TargetAdapters } from '../runbook/loop/target-monitor.ts';
import type { Services } from '../runbook/snapshot/ports.ts';
import type { Clock } from '../timing.ts';
import type { ComposeTarget, Engines } from './containers.ts';

/** The targets of a configuration, and what watches them. */
export interface TargetSet {
  readonly targetAdapters: readonly TargetAdapters[];
  readonly monitor: TargetMonitor;
  /** What changes each of them, and how; what the adapters can do unless given. */
  readonly approvalTargets?: readonly ApprovalTarget[];
}

interface Means {
  readonly clock: Clock;
  /** Then nothing that could change something is made, or even loaded. */
  readonly readsOnly?: boolean | undefined;
}

export async function openTargets(config: Config, means: Means): Promise<TargetSet> {
  const targetAdapters = await createTargetAdapters(config, means);
  return { targetAdapters, monitor: createTargetMonitor(targetAdapters, means.clock) };
}

/**
 * Builds what reaches each target, and loads only those adapters that the configuration asks for, since Docker's client
 * alone is a sixth of the bot's memory.
 */
async function createTargetAdapters(config: Config, means: Means): Promise<TargetAdapters[]> {
  const anyContainers = config.targets.some(({ compose }) => compose !== undefined);
  const engines = anyContainers
    ? (await import('./containers.ts')).connectEngines(config)
    : undefined;
  const targetAdapters = await Promise.all(
    config.targets.map((entry) => createAdaptersOf(entry, engines, means)),
  );
  return targetAdapters.length > 1
    ? introduce(targetAdapters, config, means.clock)
    : targetAdapters;
}

/** Has each know which of the others are the same database, or on its server. */
function introduce(
  targetAdapters: readonly TargetAdapters[],
  { targets }: Config,
  clock: Clock,
): TargetAdapters[] {
  const neighbours = new Neighbours(clock);
  for (const [index, { target, database }] of targetAdapters.entries()) {
    const compose = targets[index]?.compose;
    const project = compose === undefined ? undefined : `${engineOf(compose)} ${compose.project}`;
    neighbours.add(target, database, project);
  }
  return targetAdapters.map((adapters) => ({
    ...adapters,
    neighbourhood: () => neighbours.of(adapters.target.name),
    get target() {
      return neighbours.protect(adapters.target);
    },
  }));
}

async function createAdaptersOf(
  entry: TargetConfig,
  engines: Engines | undefined,
  { clock, readsOnly = false }: Means,
): Promise<TargetAdapters> {
  const { target, database, pgbouncer, pools } = entry;
  const { exec, services, changes } = await openEngine(entry, engines, { clock, readsOnly });
  return {
    target,
    database: createDatabase({
      target: target.name,
      ...database,
      ...(exec !== undefined && { exec }),
      limits: target.limits,
      applicationRoles: target.applicationRoles,
      clock,
    }),
    pools: createPools({ endpoints: pools }),
    services: await withLoki(entry, services, clock),
    ...changes,
    ...(readsOnly ? {} : (await import('./changing-adapters.ts')).openRoles(entry)),
    ...(await openPoolers(pgbouncer)),
  };
}

interface EngineParts {
  readonly services: Services;
  readonly exec?: NonNullable<Parameters<typeof createDatabase>[0]['exec']>;
  readonly changes?: Partial<TargetAdapters>;
}

/** What is reached through the containers, where some are configured. */
async function openEngine(
  entry: TargetConfig,
  engines: Engines | undefined,
  { clock, readsOnly }: Means,
): Promise<EngineParts> {
  const { compose } = entry;
  if (compose === undefined || engines === undefined) return { services: withoutCompose };
  const docker = engines(compose);
  const { openContainers } = await import('./containers.ts');
  const target: ComposeTarget = { ...entry, compose };
  const parts = openContainers(docker, target, clock);
  if (readsOnly === true) return parts;
  const { openEngineChanges } = await import('./changing-adapters.ts');
  return { ...parts, changes: await openEngineChanges(docker, target) };
}

/** The same services, with what Loki has of their logs where it is configured. */
async function withLoki(
  { target, logs }: TargetConfig,
  services: Services,
  clock: Clock,
): Promise<Services> {
  const { loki, tail, since } = logs;
  if (loki === undefined) return services;
  const { createLokiLogs, joinLogs } = await import('../loki/loki-logs.ts');
  const configured = [...target.services.map(({ name }) => name), target.postgresService];
  const names = configured.filter((name) => name !== undefined);
  const read = createLokiLogs({ ...loki, tail, sinceMs: since, services: names, clock });
  return joinLogs(services, read);
}

async function openPoolers(
  consoles: TargetConfig['pgbouncer'],
): Promise<Pick<TargetAdapters, 'poolers'>> {
  if (consoles === undefined) return {};
  const { createPoolers } = await import('../pgbouncer/poolers.ts');
  return { poolers: createPoolers({ consoles }) };
}

const notConfigured = {
  ok: false,
  tookMs: 0,
  problem: {
    kind: 'not-configured',
    summary: 'No compose project is configured, so Docker is not read.',
    fix: 'Set compose.project of the target.',
  },
} as const;

const withoutCompose: Services = {
  readServices: () => Promise.resolve(notConfigured),
  readLogs: () => Promise.resolve(notConfigured),
};
