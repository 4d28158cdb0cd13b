import type { PoolReading } from '../../../src/runbook/snapshot/readings.ts';
import type { ReplicaReading } from '../../../src/runbook/snapshot/snapshot.ts';
import type { Pools, Services } from '../../../src/runbook/snapshot/ports.ts';

/** A container as Docker would show it; its environment says nothing of its pool. */
export function container(
  name: string,
  more: Partial<ReplicaReading> & Pick<ReplicaReading, 'number'>,
): ReplicaReading {
  return {
    id: `${name}0123456789ab`.slice(0, 12),
    name,
    state: 'running',
    health: 'healthy',
    startedAt: null,
    restarts: 0,
    exitCode: null,
    oomKilled: false,
    addresses: [],
    ...more,
    pool: {
      size: null,
      maxOverflow: null,
      timeoutSeconds: null,
      recycleSeconds: null,
      prePing: null,
      ...more.pool,
    },
  };
}

/** Docker as it is seen: the services and their containers, with quiet logs. */
export function containersOf(
  services: Readonly<Record<string, readonly ReplicaReading[]>>,
): Services {
  const named = Object.entries(services).map(([name, replicas]) => ({ name, replicas }));
  return {
    readServices: () => Promise.resolve({ ok: true, tookMs: 0, value: { services: named } }),
    readLogs: () => Promise.resolve({ ok: true, tookMs: 0, value: [] }),
  };
}

/** One metrics endpoint for each pool. */
export function metricsOf(service: string, pools: readonly Partial<PoolReading>[]): Pools {
  const looks = pools.map((pool, index) => ({
    service,
    endpoint: `localhost:${9000 + index}/metrics`,
    tookMs: 0,
    pools: [toPool(service, pool)],
  }));
  return { readPools: () => Promise.resolve({ ok: true, tookMs: 0, value: looks }) };
}

function toPool(service: string, pool: Partial<PoolReading>): PoolReading {
  const { size = 5, maxOverflow = 0, checkedOut = 0 } = pool;
  const limit = (size ?? 0) + (maxOverflow ?? 0);
  return {
    service,
    name: 'default',
    size,
    maxOverflow,
    checkedOut,
    checkedIn: null,
    overflow: null,
    limit,
    utilisation: checkedOut / limit,
    timeouts: null,
    ...pool,
  };
}
