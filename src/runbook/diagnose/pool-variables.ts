import type { PoolVariables } from '../snapshot/target.ts';
import type { FittingPool } from './pool-sizes.ts';
import type { ReplicaReading, ServiceReading } from '../snapshot/snapshot.ts';

type Variable = keyof PoolVariables;

/** A service with what was read of its containers. */
interface ReadService extends Pick<ServiceReading, 'name' | 'fixedPool'> {
  readonly replicas: readonly Pick<ReplicaReading, 'poolVariables'>[];
}

/** The runbook's own names, for what a service has no variable of. */
const runbookVariables: Readonly<Record<Variable, string>> = {
  size: 'DATABASE_POOL_SIZE',
  overflow: 'DATABASE_MAX_OVERFLOW',
  timeout: 'DATABASE_POOL_TIMEOUT',
  recycle: 'DATABASE_POOL_RECYCLE',
  prePing: 'DATABASE_POOL_PRE_PING',
};

/** What a service's containers call one of their pool's settings. */
export function nameVariable(replicas: ReadService['replicas'], variable: Variable): string {
  const names = replicas.map(({ poolVariables }) => poolVariables?.[variable]);
  return names.find((name) => name !== undefined) ?? runbookVariables[variable];
}

/** The variables a pool's two numbers are set by; `overflow` null where the pool has none, or it is no variable. */
export function sizeVariables(
  services: readonly ReadService[],
  service: string,
): { readonly size: string; readonly overflow: string | null } {
  const replicas = services.find(({ name }) => name === service)?.replicas ?? [];
  const size = nameVariable(replicas, 'size');
  const read = variablesOf(services, service);
  const isFixed = read?.size !== undefined && read.overflow === undefined;
  return { size, overflow: isFixed ? null : nameVariable(replicas, 'overflow') };
}

/** `DATABASE_POOL_SIZE=4 and DATABASE_MAX_OVERFLOW=2`, by the names of that service. */
export function assignVariables(
  services: readonly ReadService[],
  { line: { service }, to }: Pick<FittingPool, 'line' | 'to'>,
): string {
  const { size, overflow } = sizeVariables(services, service);
  const first = `${size}=${to.poolSize}`;
  return overflow === null ? first : `${first} and ${overflow}=${to.maxOverflow}`;
}

/**
 * The same ceiling by the variables that can be set: where the overflow is none of them the size alone makes it up.
 * Nothing where that leaves no connection in the pool, or what it may open on top is not known.
 */
export function toSettable<T extends FittingPool>(
  services: readonly ReadService[],
  fitting: T,
): T | undefined {
  const { line, to } = fitting;
  const fixed = services.find(({ name }) => name === line.service)?.fixedPool;
  const isFixed = fixed?.overflow !== undefined && fixed.size === undefined;
  if (!isFixed && sizeVariables(services, line.service).overflow !== null) return fitting;
  const { maxOverflow } = line;
  if (maxOverflow === null || maxOverflow < 0) return undefined;
  const poolSize = to.poolSize + to.maxOverflow - maxOverflow;
  return poolSize < 1 ? undefined : { ...fitting, to: { poolSize, maxOverflow } };
}

/** Why a service's pool cannot be given these numbers from here, or null when nothing is known against it. */
export function whyFixed(
  services: readonly ReadService[],
  { line: { service, poolSize, maxOverflow }, to }: Pick<FittingPool, 'line' | 'to'>,
): string | null {
  const variables = variablesOf(services, service);
  if (variables !== undefined && variables.size === undefined) return hasNoVariable(service);
  const fixed = services.find(({ name }) => name === service)?.fixedPool;
  if (fixed?.size !== undefined && to.poolSize !== poolSize) return fixed.size;
  return to.maxOverflow === maxOverflow ? null : (fixed?.overflow ?? null);
}

export function hasNoVariable(service: string): string {
  return `The environment of ${service} has no variable for its pool's size that dbconn knows: name it in services[].variables.`;
}

/** Undefined where its containers' environment was not read. */
function variablesOf(services: readonly ReadService[], service: string): PoolVariables | undefined {
  const replicas = services.find(({ name }) => name === service)?.replicas ?? [];
  return replicas.find(({ poolVariables }) => poolVariables !== undefined)?.poolVariables;
}
