import type { PoolReading } from '../snapshot/readings.ts';
import type {
  DatabaseReading,
  LogClass,
  Part,
  PoolEndpointSnapshot,
  ServiceLogs,
  ServicesReading,
  SessionReading,
} from '../snapshot/snapshot.ts';
import type { Limits } from '../snapshot/target.ts';
import type { Capacity, LogSummary, Pool, Session } from './diagnosis.ts';

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

/** What was read. A log that gave an error and no line is a finding: here it would look like one without trouble. */
export function toLogs(part: Part<readonly ServiceLogs[]>): LogSummary[] {
  if (!part.ok) return [];
  const read = part.value.filter(
    ({ linesRead, problem }) => linesRead > 0 || problem === undefined,
  );
  return read.map(({ service, container, linesRead, classes }) => ({
    service,
    container,
    linesRead,
    classes: classes.map(({ class: name, count, lastAt, example }) => ({
      class: name,
      count,
      lastAt,
      example,
    })),
  }));
}

/** Lines of these classes, over all containers or those of one service. */
export function countLines(
  logs: readonly LogSummary[],
  classes: readonly LogClass[],
  service?: string,
): number {
  const classNames = new Set<string>(classes);
  return logs
    .filter((log) => service === undefined || log.service === service)
    .flatMap((log) => log.classes)
    .filter((entry) => classNames.has(entry.class))
    .reduce((total, entry) => total + entry.count, 0);
}

/** Every pool that could be read, the fullest first. */
export function toPools(part: Part<readonly PoolEndpointSnapshot[]>): Pool[] {
  return poolReadings(part)
    .map(({ service, name, checkedOut, size, maxOverflow, limit, utilisation }) => ({
      service,
      name,
      checkedOut,
      size,
      maxOverflow,
      limit,
      utilisation,
    }))
    .toSorted((a, b) => (b.utilisation ?? -1) - (a.utilisation ?? -1));
}

export function poolReadings(part: Part<readonly PoolEndpointSnapshot[]>): PoolReading[] {
  return part.ok ? part.value.flatMap(({ pools }) => pools) : [];
}

export type Pressure = 'none' | 'warning' | 'critical';

/**
 * How near the server is to refusing. By share, and critical too when fewer slots are free than the limit says;
 * on a small server that limit shrinks to a tenth of the slots, else 20 slots would be critical at 16 used.
 */
export function pressureOf(capacity: Capacity | null, limits: Limits): Pressure {
  if (capacity === null) return 'none';
  const { utilisation, free, usable } = capacity;
  const leastFree = Math.min(limits.criticalFreeSlots, usable * 0.1);
  if (utilisation >= limits.criticalUtilisation || free < leastFree) return 'critical';
  return utilisation >= limits.warningUtilisation ? 'warning' : 'none';
}

/** The sessions worth showing, dbconn's own left out: it is never the trouble. */
export function toSessions(readings: readonly SessionReading[]): Session[] {
  return readings
    .filter(({ own }) => !own)
    .map((reading) => ({
      pid: reading.pid,
      startedAt: reading.startedAt,
      user: reading.user,
      application: reading.application,
      client: reading.client,
      database: reading.database,
      state: reading.state,
      connectionAgeSeconds: reading.connectionAgeSeconds,
      transactionAgeSeconds: reading.transactionAgeSeconds,
      queryAgeSeconds: reading.queryAgeSeconds,
      stateAgeSeconds: reading.stateAgeSeconds,
      waitEventType: reading.waitEventType,
      hasWritten: reading.hasWritten,
      superuser: reading.superuser,
      query: reading.query,
      fingerprint: reading.fingerprint,
    }));
}
