import type { z } from 'zod';
import type { PoolReading } from '../snapshot/readings.ts';
import type { PoolEndpointSnapshot, ReplicaReading } from '../snapshot/snapshot.ts';
import type { ServiceConfig } from '../snapshot/target.ts';
import { sum } from '../snapshot/words.ts';
import type { Budget, BudgetLine, Source } from './diagnosis.ts';

type Ceiling = number | 'unlimited' | null;

/** What one replica may open, all its workers together. */
interface ReplicaPools {
  /** Of one process. */
  readonly poolSize: number | null;
  readonly maxOverflow: number | null;
  readonly ceiling: Ceiling;
}

interface Known {
  readonly service: ServiceConfig;
  /** Those that run; absent where the containers could not be read. */
  readonly running: readonly ReplicaReading[] | undefined;
  readonly endpoints: readonly PoolEndpointSnapshot[];
  /** Addresses its sessions come from. */
  readonly clients: number;
}

/**
 * The pools of each replica, since replicas of one service may have different ones. Numbers come from the replica's
 * environment, else from its own metrics, else from those of any replica, else from the configuration. An endpoint is
 * one replica's when its address says so, or when there are as many endpoints as replicas; without containers several
 * endpoints are a replica each, and one may be all of them behind one name.
 */
function readReplicaPools({ service, running, endpoints, clients }: Known): ReplicaPools[] {
  const any = endpoints.find(({ pools }) => pools.length > 0);
  if (running !== undefined) {
    const own = matchEndpoints(running, endpoints);
    return running.map((replica) => judge(service, replica, own.get(replica) ?? any));
  }
  const each = endpoints.length > 1 ? endpoints : [];
  const unlisted = Math.max(1, clients, each.length) - each.length;
  return [
    ...each.map((endpoint) =>
      judge(service, undefined, endpoint.pools.length > 0 ? endpoint : any),
    ),
    ...Array.from({ length: unlisted }, () => judge(service, undefined, any)),
  ];
}

/** The numbers a service has where no replica of it runs. */
function readAnyPools(
  service: ServiceConfig,
  endpoints: readonly PoolEndpointSnapshot[],
): ReplicaPools {
  return judge(
    service,
    undefined,
    endpoints.find(({ pools }) => pools.length > 0),
  );
}

function addCeilings(ceilings: readonly Ceiling[]): Ceiling {
  if (ceilings.includes('unlimited')) return 'unlimited';
  const known = ceilings.filter((ceiling) => typeof ceiling === 'number');
  return known.length === ceilings.length ? sum(known) : null;
}

function matchEndpoints(
  running: readonly ReplicaReading[],
  endpoints: readonly PoolEndpointSnapshot[],
): ReadonlyMap<ReplicaReading, PoolEndpointSnapshot> {
  const found = new Map<ReplicaReading, PoolEndpointSnapshot>();
  for (const replica of running) {
    const own = endpoints.find((endpoint) => isOf(replica, endpoint));
    if (own !== undefined) found.set(replica, own);
  }
  if (endpoints.length !== running.length) return found;
  const left = endpoints.filter((endpoint) => ![...found.values()].includes(endpoint));
  const without = running.filter((replica) => !found.has(replica));
  return new Map([...found, ...without.flatMap((replica, at) => toPair(replica, left[at]))]);
}

function toPair(
  replica: ReplicaReading,
  endpoint: PoolEndpointSnapshot | undefined,
): [ReplicaReading, PoolEndpointSnapshot][] {
  return endpoint === undefined ? [] : [[replica, endpoint]];
}

/** `backend:8000/metrics (172.18.0.4)` names the address it was read at, `backend-1:8000/metrics` the container. */
function isOf({ name, addresses }: ReplicaReading, { endpoint }: PoolEndpointSnapshot): boolean {
  const address = /\((?<address>[^()]+)\)$/.exec(endpoint)?.groups?.['address'];
  const host = /^\[?(?<host>.+?)\]?(?::\d+)?(?:\/|$)/.exec(endpoint)?.groups?.['host'];
  return address === undefined
    ? host === name || addresses.includes(host ?? '')
    : addresses.includes(address);
}

function judge(
  service: ServiceConfig,
  replica: ReplicaReading | undefined,
  endpoint: PoolEndpointSnapshot | undefined,
): ReplicaPools {
  const pools = endpoint?.pools ?? [];
  const largest = pools.toSorted((a, b) => rankOf(b) - rankOf(a))[0];
  const poolSize = replica?.pool.size ?? largest?.size ?? service.poolSize ?? null;
  const maxOverflow =
    replica?.pool.maxOverflow ?? largest?.maxOverflow ?? service.maxOverflow ?? null;
  const isComplete = replica?.pool.size != null && replica.pool.maxOverflow !== null;
  // One process may have several pools; and where each worker reports its own, the endpoint shows them all.
  const shown = isComplete || pools.length < 2 ? null : addCeilings(pools.map(limitOf));
  const times = service.workers > 1 && pools.length >= service.workers ? 1 : service.workers;
  const ceiling =
    shown === null
      ? multiply(toCeiling({ poolSize, maxOverflow }, largest), service.workers)
      : multiply(shown, times);
  return { poolSize, maxOverflow, ceiling };
}

function toCeiling(
  { poolSize, maxOverflow }: Omit<ReplicaPools, 'ceiling'>,
  metrics: PoolReading | undefined,
): Ceiling {
  if (poolSize === null || maxOverflow === null) return metrics?.limit ?? null;
  // SQLAlchemy 2: a size of 0 is no ceiling either.
  return poolSize === 0 || maxOverflow < 0 ? 'unlimited' : poolSize + maxOverflow;
}

function limitOf({ size, maxOverflow, limit }: PoolReading): Ceiling {
  return size === null || maxOverflow === null
    ? limit
    : toCeiling({ poolSize: size, maxOverflow }, undefined);
}

function rankOf(pool: PoolReading): number {
  const limit = limitOf(pool);
  return limit === 'unlimited' ? Infinity : (limit ?? 0);
}

function multiply(ceiling: Ceiling, by: number): Ceiling {
  return typeof ceiling === 'number' ? ceiling * by : ceiling;
}

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
