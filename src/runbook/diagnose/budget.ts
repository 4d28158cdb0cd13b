import type { z } from 'zod';
import type { ServiceConfig } from '../snapshot/target.ts';
import type { Budget, BudgetLine, Source } from './diagnosis.ts';
import { addCeilings, readAnyPools, readReplicaPools } from './process-pools.ts';
import type { ReplicaPools } from './process-pools.ts';
import type { PoolEndpointSnapshot, ReplicaReading } from '../snapshot/snapshot.ts';
import { sum } from '../snapshot/words.ts';

type Line = z.infer<typeof BudgetLine>;

interface BudgetInput {
  readonly services: readonly ServiceConfig[];
  /** Replicas found per service; absent where the containers could not be read. */
  readonly replicas: ReadonlyMap<string, readonly ReplicaReading[]>;
  readonly endpoints: readonly PoolEndpointSnapshot[];
  readonly sources: readonly Source[];
  /** Client backends now, and the slots ordinary roles share; null when not known. */
  readonly used: number | null;
  readonly usable: number | null;
}

/**
 * Who may open how many: the sum over a service's replicas of workers x (pool size + max overflow). Every process has a
 * pool of its own, which is what people forget when they scale. Replicas need not agree: half-finished deploys and
 * changed environments have both numbers at once.
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
  const running = input.replicas.get(service.name)?.filter(({ state }) => state === 'running');
  const endpoints = input.endpoints.filter((endpoint) => endpoint.service === service.name);
  const sources = input.sources.filter((source) => source.service === service.name);
  const clients = new Set(sources.map(({ client }) => client)).size;
  const pools = readReplicaPools({ service, running, endpoints, clients });
  const largest = pools.toSorted((a, b) => weightOf(b) - weightOf(a))[0];
  const { poolSize, maxOverflow } = largest ?? readAnyPools(service, endpoints);
  const kinds = [...Map.groupBy(pools, keyOf).values()];
  return {
    service: service.name,
    replicas: pools.length,
    workers: service.workers,
    poolSize,
    maxOverflow,
    ...(kinds.length > 1 && { mixed: kinds.map(toKind) }),
    mayOpen: addCeilings(pools.map(({ ceiling }) => ceiling)),
    holds: input.used === null ? null : sum(sources.map(({ total }) => total)),
  };
}

function toKind(alike: readonly ReplicaPools[]): NonNullable<Line['mixed']>[number] {
  return {
    replicas: alike.length,
    poolSize: alike[0]?.poolSize ?? null,
    maxOverflow: alike[0]?.maxOverflow ?? null,
    mayOpen: addCeilings(alike.map(({ ceiling }) => ceiling)),
  };
}

function keyOf({ poolSize, maxOverflow, ceiling }: ReplicaPools): string {
  return JSON.stringify([poolSize, maxOverflow, ceiling]);
}

function weightOf({ ceiling }: ReplicaPools): number {
  return ceiling === 'unlimited' ? Infinity : (ceiling ?? -1);
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
