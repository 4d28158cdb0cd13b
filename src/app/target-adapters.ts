import { isDeepStrictEqual } from 'node:util';
import type { Config, TargetConfig } from '../config/config.ts';
import { engineOf } from '../config/file.ts';
import { createPools } from '../pool-metrics/pools.ts';
import { createDatabase } from '../postgres/lifeline.ts';
import type { ApprovalTarget } from '../runbook/approvals/context.ts';
import { Neighbours } from '../runbook/approvals/neighbours.ts';
import { createTargetMonitor } from '../runbook/loop/target-monitor.ts';
import type { TargetMonitor, TargetAdapters } from '../runbook/loop/target-monitor.ts';
import type { Database, Services } from '../runbook/snapshot/ports.ts';
import type { Limits } from '../runbook/snapshot/target.ts';
import type { Clock } from '../timing.ts';
import type { ComposeTarget, Engines } from './containers.ts';

/** The way to one database. */
interface Reached {
  readonly entry: Pick<TargetConfig, 'database' | 'compose'>;
  readonly database: Database;
  limits: Limits;
}

/** The targets of a configuration, and what watches them. */
export interface TargetSet {
  readonly targetAdapters: readonly TargetAdapters[];
  readonly monitor: TargetMonitor;
  /** What changes each of them, and how; what the adapters can do unless given. */
  readonly approvalTargets?: readonly ApprovalTarget[];
  /** By the target's name, for the set of another configuration. */
  readonly reached?: ReadonlyMap<string, Reached>;
}

interface Means {
  readonly clock: Clock;
  /** Then nothing that could change something is made, or even loaded. */
  readonly readsOnly?: boolean | undefined;
}

/**
 * Goes on with the connections of the set before, and with what was seen through them: a full server may not let dbconn
 * in a second time.
 */
export async function openTargets(
  config: Config,
  means: Means,
  before?: TargetSet,
): Promise<TargetSet> {
  const reached = new Map<string, Reached>();
  const known = new Map(before?.monitor.memories);
  for (const entry of config.targets) {
    const { name } = entry.target;
    const kept = before?.reached?.get(name);
    if (kept !== undefined && isSameWay(kept.entry, entry)) reached.set(name, kept);
    else known.delete(name);
  }
  const targetAdapters = await createTargetAdapters(config, means, reached);
  // Only now, for a configuration that cannot be used changes nothing.
  for (const { target } of targetAdapters) {
    const way = reached.get(target.name);
    if (way !== undefined) way.limits = target.limits;
  }
  const monitor = createTargetMonitor(targetAdapters, means.clock, known);
  return { targetAdapters, monitor, reached };
}

function isSameWay(one: Reached['entry'], other: Reached['entry']): boolean {
  // Through its container it is reached only where `execUser` allows it.
  const wayOf = ({ database, compose }: Reached['entry']): unknown =>
    database.execUser === undefined ? [database] : [database, compose];
  return isDeepStrictEqual(wayOf(one), wayOf(other));
}

/** Closes what a later set does not go on with. */
export async function closeReplaced(before: TargetSet, after: TargetSet): Promise<void> {
  const kept = new Set([...(after.reached?.values() ?? [])].map(({ database }) => database));
  const earlier = [...(before.reached?.values() ?? [])].map(({ database }) => database);
  const replaced = earlier.filter((database) => !kept.has(database));
  await Promise.all(replaced.map((database) => database.close()));
}

/**
 * Builds what reaches each target, and loads only those adapters that the configuration asks for, since Docker's client
 * alone is a sixth of the bot's memory.
 */
async function createTargetAdapters(
  config: Config,
  means: Means,
  reached: Map<string, Reached>,
): Promise<TargetAdapters[]> {
  const anyContainers = config.targets.some(({ compose }) => compose !== undefined);
  const engines = anyContainers
    ? (await import('./containers.ts')).connectEngines(config)
    : undefined;
  const targetAdapters = await Promise.all(
    config.targets.map((entry) => createAdaptersOf(entry, engines, { ...means, reached })),
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
  { clock, readsOnly = false, reached }: Means & { readonly reached: Map<string, Reached> },
): Promise<TargetAdapters> {
  const { target, pgbouncer, pools } = entry;
  const { exec, services, changes } = await openEngine(entry, engines, { clock, readsOnly });
  const way = reached.get(target.name) ?? reach(entry, clock, exec);
  reached.set(target.name, way);
  return {
    target,
    database: way.database,
    pools: createPools({ endpoints: pools }),
    services: await withLoki(entry, services, clock),
    ...changes,
    ...(readsOnly ? {} : (await import('./changing-adapters.ts')).openRoles(entry)),
    ...(await openPoolers(pgbouncer)),
  };
}

function reach(entry: TargetConfig, clock: Clock, exec: EngineParts['exec']): Reached {
  const { target, database } = entry;
  const way: Omit<Reached, 'database'> = { entry, limits: target.limits };
  const options = {
    target: target.name,
    ...database,
    ...(exec !== undefined && { exec }),
    get limits() {
      return way.limits;
    },
    clock,
  };
  return Object.assign(way, { database: createDatabase(options) });
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
