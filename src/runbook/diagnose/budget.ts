import type { z } from 'zod';
import type { ServiceConfig } from '../target.ts';
import type { Budget, BudgetLine, Source } from './diagnosis.ts';
import type { PoolReading, ReplicaReading } from './snapshot.ts';
import { sum } from './words.ts';

type Line = z.infer<typeof BudgetLine>;
type Ceiling = number | 'unlimited' | null;

export interface BudgetInput {
  readonly services: readonly ServiceConfig[];
  /** Replicas found per service; absent where the containers could not be read. */
  readonly replicas: ReadonlyMap<string, readonly ReplicaReading[]>;
  readonly pools: readonly PoolReading[];
  readonly sources: readonly Source[];
  /** Client backends now, and the slots ordinary roles share; null when not known. */
  readonly used: number | null;
  readonly usable: number | null;
}

/**
 * Who may open how many: replicas x workers x (pool size + max overflow) per service. Every process has a pool
 * of its own, which is what people forget when they scale. Pool numbers come from the replica's environment,
 * else from its metrics, else from the configuration.
 */
export function drawBudget(input: BudgetInput): Budget {
  const lines = input.services.map((service) => drawLine(service, input));
  const held = lines.map(({ holds }) => holds ?? 0);
  const others = input.used === null ? null : Math.max(0, input.used - sum(held));
  return {
    lines,
    usable: input.usable,
    others,
    mayOpen: addCeilings([...lines.map(({ mayOpen }) => mayOpen), others]),
    canExhaust: canExhaust(lines, others, input.usable),
  };
}

function drawLine(service: ServiceConfig, input: BudgetInput): Line {
  const found = input.replicas.get(service.name);
  const running = found?.filter(({ state }) => state === 'running');
  const pools = input.pools.filter((pool) => pool.service === service.name);
  const sources = input.sources.filter((source) => source.service === service.name);
  const replicas = running?.length ?? Math.max(1, distinctClients(sources));
  // Unseen replicas count as many pools as if each had the numbers of the metrics or the configuration.
  const each = running ?? Array.from({ length: replicas }, () => undefined);
  const perReplica = each.map((replica) => poolNumbers(replica, pools, service));
  const first = perReplica[0] ?? poolNumbers(undefined, pools, service);
  return {
    service: service.name,
    replicas,
    workers: service.workers,
    poolSize: first.poolSize,
    maxOverflow: first.maxOverflow,
    mayOpen: multiply(addCeilings(perReplica.map(({ ceiling }) => ceiling)), service.workers),
    holds: input.used === null ? null : sum(sources.map(({ total }) => total)),
  };
}

function distinctClients(sources: readonly Source[]): number {
  return new Set(sources.map(({ client }) => client)).size;
}

interface PoolNumbers {
  readonly poolSize: number | null;
  readonly maxOverflow: number | null;
  readonly ceiling: Ceiling;
}

function poolNumbers(
  replica: ReplicaReading | undefined,
  pools: readonly PoolReading[],
  config: ServiceConfig,
): PoolNumbers {
  const metrics = pools[0];
  const poolSize = replica?.pool.size ?? metrics?.size ?? config.poolSize ?? null;
  const maxOverflow =
    replica?.pool.maxOverflow ?? metrics?.maxOverflow ?? config.maxOverflow ?? null;
  if (poolSize === null || maxOverflow === null) {
    return { poolSize, maxOverflow, ceiling: metrics?.limit ?? null };
  }
  // SQLAlchemy 2: a size of 0 is no ceiling either.
  const endless = poolSize === 0 || maxOverflow < 0;
  return { poolSize, maxOverflow, ceiling: endless ? 'unlimited' : poolSize + maxOverflow };
}

function addCeilings(ceilings: readonly Ceiling[]): Ceiling {
  if (ceilings.includes('unlimited')) return 'unlimited';
  const known = ceilings.filter((ceiling) => typeof ceiling === 'number');
  return known.length === ceilings.length ? sum(known) : null;
}

function multiply(ceiling: Ceiling, by: number): Ceiling {
  return typeof ceiling === 'number' ? ceiling * by : ceiling;
}

/** What is known may suffice to say yes; to say no, every line must be known. */
function canExhaust(
  lines: readonly Line[],
  others: number | null,
  usable: number | null,
): boolean | null {
  if (usable === null || lines.length === 0) return null;
  if (lines.some(({ mayOpen }) => mayOpen === 'unlimited')) return true;
  const known = lines.map(({ mayOpen }) => mayOpen).filter((value) => typeof value === 'number');
  if (sum(known) + (others ?? 0) > usable) return true;
  return known.length === lines.length && others !== null ? false : null;
}
