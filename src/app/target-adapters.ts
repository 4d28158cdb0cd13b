import type { Config, TargetConfig } from '../config/config.ts';
import { createPools } from '../pool-metrics/pools.ts';
import { createDatabase } from '../postgres/lifeline.ts';
import { createBlockers } from '../postgres/privileged/blockers.ts';
import { createIdleSessions } from '../postgres/privileged/idle-sessions.ts';
import { createPreparedTransactions } from '../postgres/privileged/prepared-transactions.ts';
import { createRoleLimits } from '../postgres/privileged/role-limits.ts';
import { createServerSettings } from '../postgres/privileged/server-settings.ts';
import { createTimeouts } from '../postgres/privileged/timeouts.ts';
import { createRoles } from '../postgres/try-logins.ts';
import type { ApprovalTarget } from '../runbook/approvals/context.ts';
import { Neighbours } from '../runbook/approvals/neighbours.ts';
import { createTargetMonitor } from '../runbook/loop/target-monitor.ts';
import type { TargetMonitor, TargetAdapters } from '../runbook/loop/target-monitor.ts';
import type { Services } from '../runbook/snapshot/ports.ts';
import type { Clock } from '../timing.ts';
import type { ContainerParts, OpenContainers } from './containers.ts';

/** The targets of a configuration, and what watches them. */
export interface TargetSet {
  readonly targetAdapters: readonly TargetAdapters[];
  readonly monitor: TargetMonitor;
  /** What changes each of them, and how; what the adapters can do unless given. */
  readonly approvalTargets?: readonly ApprovalTarget[];
}

export async function openTargets(config: Config, clock: Clock): Promise<TargetSet> {
  const targetAdapters = await createTargetAdapters(config, clock);
  return { targetAdapters, monitor: createTargetMonitor(targetAdapters, clock) };
}

/**
 * Builds what reaches each target, and loads only those adapters that the configuration asks for, since Docker's client
 * alone is a sixth of the bot's memory.
 */
async function createTargetAdapters(config: Config, clock: Clock): Promise<TargetAdapters[]> {
  const anyContainers = config.targets.some(({ compose }) => compose !== undefined);
  const open = anyContainers
    ? (await import('./containers.ts')).openContainers(config, clock)
    : undefined;
  const targetAdapters = await Promise.all(
    config.targets.map((entry) => createAdaptersOf(entry, open, clock)),
  );
  return targetAdapters.length > 1 ? introduce(targetAdapters, clock) : targetAdapters;
}

/** Has each know which of the others are the same database, or on its server. */
function introduce(targetAdapters: readonly TargetAdapters[], clock: Clock): TargetAdapters[] {
  const neighbours = new Neighbours(clock);
  for (const { target, database } of targetAdapters) neighbours.add(target, database);
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
  open: OpenContainers | undefined,
  clock: Clock,
): Promise<TargetAdapters> {
  const { target, database, compose, pgbouncer, pools } = entry;
  const { exec, ...containers }: ContainerParts =
    compose === undefined || open === undefined
      ? { services: withoutCompose }
      : open({ ...entry, compose });
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
    ...containers,
    roles: createRoles(database),
    ...openRole(database, target.ownRoles),
    ...(await openPoolers(pgbouncer)),
  };
}

function openRole(
  { actingUrl, url }: TargetConfig['database'],
  ownRoles: readonly string[] | undefined,
): Partial<TargetAdapters> {
  // Without an acting role a person acts, and dbconn reads for the plan what its looking role may see.
  return actingUrl === undefined
    ? { planning: openPrivileged(url, ownRoles) }
    : openPrivileged(actingUrl, ownRoles);
}

/**
 * What changes something in PostgreSQL, by the role that may.
 *
 * @internal Tests open it for a server of theirs.
 */
export function openPrivileged(
  url: string,
  ownRoles: readonly string[] = [],
): Pick<
  TargetAdapters,
  'privileged' | 'blockers' | 'prepared' | 'timeouts' | 'roleLimits' | 'serverSettings'
> {
  return {
    privileged: createIdleSessions({ url }),
    blockers: createBlockers({ url }),
    prepared: createPreparedTransactions({ url }),
    timeouts: createTimeouts({ url, ownRoles }),
    roleLimits: createRoleLimits({ url, ownRoles }),
    serverSettings: createServerSettings(url),
  };
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
    summary: 'No compose project is configured, so containers and logs are not read.',
    fix: 'Set compose.project of the target.',
  },
} as const;

const withoutCompose: Services = {
  readServices: () => Promise.resolve(notConfigured),
  readLogs: () => Promise.resolve(notConfigured),
};
