import type { ServiceConfig } from '../snapshot/target.ts';
import type { PoolEndpointSnapshot, PoolReading, ReplicaReading } from '../snapshot/snapshot.ts';
import { sum } from '../snapshot/words.ts';

export type Ceiling = number | 'unlimited' | null;

/** What one replica may open, all its workers together. */
export interface ReplicaPools {
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
export function readReplicaPools({ service, running, endpoints, clients }: Known): ReplicaPools[] {
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
export function readAnyPools(
  service: ServiceConfig,
  endpoints: readonly PoolEndpointSnapshot[],
): ReplicaPools {
  return judge(
    service,
    undefined,
    endpoints.find(({ pools }) => pools.length > 0),
  );
}

export function addCeilings(ceilings: readonly Ceiling[]): Ceiling {
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
