import type { PoolerPool, PoolerReading } from '../snapshot/readings.ts';
import type { PoolerSnapshot, Snapshot } from '../snapshot/snapshot.ts';
import { sum } from '../snapshot/words.ts';
import type { Pooler } from './diagnosis-parts.ts';
import type { Budget, Source } from './diagnosis.ts';
import type { FindService } from './sources.ts';

/** A pooler that could be read, and which configured services are its clients. */
export interface KnownPooler {
  readonly name: string;
  readonly replicas: number;
  readonly reading: PoolerReading;
  readonly services: readonly string[];
}

/** Every pooler that could be read. */
export function toKnownPoolers(
  { poolers }: Pick<Snapshot, 'poolers'>,
  findService: FindService,
  runningOf: (service: string) => number,
): KnownPooler[] {
  const snapshots: readonly PoolerSnapshot[] = poolers?.ok === true ? poolers.value : [];
  return snapshots.flatMap(({ name, replicas, reading }) =>
    reading === undefined
      ? []
      : [
          {
            name,
            // A pooler may be a service of the project, and then its containers are counted.
            replicas: Math.max(replicas, runningOf(name)),
            reading,
            services: [
              ...new Set(
                (reading.clientSources ?? []).flatMap(
                  ({ client, application }) => findService(client, application) ?? [],
                ),
              ),
            ],
          },
        ],
  );
}

/**
 * The same sources, those of a pooler marked. A pooler hands its clients' application_name on, so its connections look
 * like a service's; its own console says from which address and as whom it is connected. Where that address is
 * translated on the way, the one address with its user and database that no service explains is taken for it.
 */
export function markPoolers(
  sources: readonly Source[],
  poolers: readonly KnownPooler[],
): readonly Source[] {
  if (poolers.length === 0) return sources;
  const marks = new Map<Source, string>();
  for (const { name, reading, services } of poolers) {
    for (const server of reading.serverSources) {
      const alike = sources.filter(
        ({ user, database, service, kind }) =>
          kind !== 'own' &&
          user === server.user &&
          database === server.database &&
          // Beside it on one host: a service that is no client of it connects by itself.
          (service === null || reading.clientSources === null || services.includes(service)),
      );
      const here = alike.filter(({ client }) => client === server.client);
      const strange = alike.filter(({ service }) => service === null);
      const isOne = new Set(strange.map(({ client }) => client)).size === 1;
      for (const source of here.length > 0 ? here : isOne ? strange : []) marks.set(source, name);
    }
    for (const source of sources) if (source.service === name) marks.set(source, name);
  }
  return sources.map((source) => {
    const pooler = marks.get(source);
    return pooler === undefined ? source : { ...source, service: null, kind: 'pooler', pooler };
  });
}

/**
 * Services that reach PostgreSQL through a pooler only: their pools open connections to the pooler, and what reaches
 * PostgreSQL is bounded by it. Counted as well, they would be counted twice.
 */
export function servicesBehind(
  poolers: readonly KnownPooler[],
  sources: readonly Source[],
): ReadonlySet<string> {
  const direct = new Set(sources.map(({ service }) => service));
  const behind = poolers.flatMap(({ services }) => services.filter((one) => !direct.has(one)));
  return new Set([...behind, ...poolers.map(({ name }) => name)]);
}

/** The budget with what the poolers may open, over all their replicas, beside what they hold already. */
export function addPoolers(budget: Budget, known: readonly KnownPooler[]): Budget {
  if (known.length === 0) return budget;
  const poolers = known.map(({ name, replicas, reading: { mayOpen, servers } }) => ({
    name,
    replicas,
    mayOpen: mayOpen === 'unlimited' ? mayOpen : mayOpen * replicas,
    holds: servers,
  }));
  const { usable, others } = budget;
  const more = moreOfPoolers({ poolers });
  const least = sum(budget.lines.map((line) => Number(line.mayOpen) || 0)) + more + (others ?? 0);
  const isKnown = budget.lines.every(({ mayOpen }) => mayOpen !== null) && others !== null;
  const isEndless = more === Infinity || budget.mayOpen === 'unlimited';
  return {
    ...budget,
    poolers,
    mayOpen: isEndless ? 'unlimited' : isKnown ? least : null,
    canExhaust:
      usable === null ? null : isEndless || least > usable ? true : isKnown ? false : null,
  };
}

/** What the poolers may open on top of what they hold, which is among the others. */
export function moreOfPoolers({ poolers = [] }: Pick<Budget, 'poolers'>): number {
  return sum(
    poolers.map(({ mayOpen, holds }) =>
      mayOpen === 'unlimited' ? Infinity : Math.max(0, mayOpen - holds),
    ),
  );
}

/** In transaction mode a client waits for milliseconds on a good day; a second is a queue that does not move. */
const lastingSeconds = 1;

/** The pools of a pooler that do not keep up, the longest wait first. */
export function queuedPools({ pools }: PoolerReading): PoolerPool[] {
  return pools
    .filter(
      ({ clientsWaiting, longestWaitSeconds }) =>
        clientsWaiting > 0 && longestWaitSeconds >= lastingSeconds,
    )
    .toSorted((a, b) => b.longestWaitSeconds - a.longestWaitSeconds);
}

/** Services among the clients of a pooler that does not keep up. */
export function servicesInQueue(poolers: readonly KnownPooler[]): ReadonlySet<string> {
  const queued = poolers.filter(({ reading }) => queuedPools(reading).length > 0);
  return new Set(queued.flatMap(({ services }) => services));
}

/** For renderers. */
export function toPoolers(known: readonly KnownPooler[]): Pooler[] {
  return known.map(({ name, replicas, services, reading }) => ({
    name,
    replicas,
    version: reading.version,
    mode: reading.poolMode,
    clients: reading.clients,
    maxClients: reading.maxClientConnections,
    clientsWaiting: reading.clientsWaiting,
    longestWaitSeconds: reading.longestWaitSeconds,
    servers: reading.servers,
    mayOpen: reading.mayOpen,
    services: [...services],
    pools: [...reading.pools],
    poolsTotal: reading.poolsTotal,
  }));
}
