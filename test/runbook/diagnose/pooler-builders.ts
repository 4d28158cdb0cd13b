import type { PoolerPool, PoolerReading } from '../../../src/runbook/snapshot/readings.ts';
import type { PoolerSnapshot } from '../../../src/runbook/snapshot/snapshot.ts';

/** Poolers for tests that need none to run. Without arguments each is in transaction mode, calm and has room. */

export function aPoolerPool(overrides: Partial<PoolerPool> = {}): PoolerPool {
  return {
    database: 'shop',
    user: 'app',
    mode: 'transaction',
    clientsActive: 12,
    clientsWaiting: 0,
    longestWaitSeconds: 0,
    serversActive: 4,
    serversIdle: 2,
    servers: 6,
    size: 20,
    reserve: 0,
    fullBy: null,
    ...overrides,
  };
}

export function aPoolerReading(overrides: Partial<PoolerReading> = {}): PoolerReading {
  const pools = overrides.pools ?? [aPoolerPool()];
  return {
    version: 'PgBouncer 1.18.0',
    poolMode: 'transaction',
    clients: 12,
    maxClientConnections: 100,
    clientLimits: [],
    clientsWaiting: pools.reduce((total, { clientsWaiting }) => total + clientsWaiting, 0),
    longestWaitSeconds: Math.max(0, ...pools.map((pool) => pool.longestWaitSeconds)),
    servers: pools.reduce((total, { servers }) => total + servers, 0),
    mayOpen: 20,
    pools,
    poolsTotal: pools.length,
    clientSources: [{ client: '10.0.0.5', application: 'backend', total: 12, waiting: 0 }],
    serverSources: [{ client: '10.0.0.9', user: 'app', database: 'shop', total: 6 }],
    ...overrides,
  };
}

export function aPoolerLook(overrides: Partial<PoolerSnapshot> = {}): PoolerSnapshot {
  const reading = overrides.problem === undefined ? { reading: aPoolerReading() } : {};
  return { name: 'PgBouncer', replicas: 1, tookMs: 2, ...reading, ...overrides };
}
