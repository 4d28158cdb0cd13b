import type { Capacity } from './diagnosis.ts';
import type { DatabaseReading, ServicesReading } from '../snapshot/snapshot.ts';

/**
 * How full the server is, counted against the slots an ordinary role can have. max_connections would be the
 * wrong measure: at 97 of 100 with three reserved, applications are refused already.
 */
export function toCapacity(
  { capacity, counts, version }: DatabaseReading,
  processes: ServicesReading['postgresProcesses'],
): Capacity {
  const { maxConnections, superuserReserved, providerReserved } = capacity;
  const reserved = superuserReserved + capacity.reserved + providerReserved;
  const usable = Math.max(0, maxConnections - reserved);
  return {
    maxConnections,
    reserved,
    usable,
    used: counts.clients,
    free: Math.max(0, usable - counts.clients),
    utilisation: usable === 0 ? 1 : counts.clients / usable,
    byState: {
      active: counts.active,
      idle: counts.idle,
      idleInTransaction: counts.idleInTransaction,
      idleInTransactionAborted: counts.idleInTransactionAborted,
      starting: counts.starting,
      other: counts.other,
    },
    // Before PostgreSQL 18 a client that is still logging in shows in its process title only.
    unauthenticated: version >= 180_000 ? counts.starting : (processes?.authenticating ?? null),
    apart: {
      walsenders: counts.walsenders,
      parallelWorkers: counts.parallelWorkers,
      autovacuumWorkers: counts.autovacuumWorkers,
    },
  };
}
