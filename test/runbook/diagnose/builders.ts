import type { PoolReading } from '../../../src/runbook/snapshot/readings.ts';
import type {
  DatabaseReading,
  LogClass,
  LogClassCount,
  Part,
  PoolEndpointSnapshot,
  PoolerSnapshot,
  Problem,
  Reach,
  ReachError,
  ReplicaReading,
  ServiceLogs,
  ServiceReading,
  ServicesReading,
  SessionReading,
  Snapshot,
  SourceReading,
  WaiterReading,
} from '../../../src/runbook/snapshot/snapshot.ts';
import { defaultLimits } from '../../../src/runbook/snapshot/target.ts';
import type { ServiceConfig, Target } from '../../../src/runbook/snapshot/target.ts';

/** Values for tests that need a look without a server. Without arguments each is healthy and quiet. */

export const takenAt = '2026-11-23T03:00:00.000Z';

export function aTarget(overrides: Partial<Target> = {}): Target {
  return {
    name: 'shop',
    services: [aService()],
    applicationRoles: [],
    protectedApplications: [],
    limits: defaultLimits,
    links: { guides: [] },
    contacts: {},
    ...overrides,
  };
}

export function aService(overrides: Partial<ServiceConfig> = {}): ServiceConfig {
  return { name: 'backend', workers: 1, ...overrides };
}

export interface SnapshotParts {
  readonly reading?: DatabaseReading | null;
  readonly reach?: Reach;
  readonly pools?: readonly PoolReading[] | Problem;
  readonly logs?: readonly LogClassCount[] | Problem;
  readonly services?: ServicesReading | Problem;
  readonly poolers?: readonly PoolerSnapshot[];
}

export function aSnapshot(parts: SnapshotParts = {}): Snapshot {
  const reading = parts.reading === undefined ? aReading() : parts.reading;
  return {
    target: 'shop',
    takenAt,
    tookMs: 12,
    database: {
      reach: parts.reach ?? { via: reading === null ? 'none' : 'warm', rungs: [] },
      tookMs: 8,
      ...(reading !== null && { reading }),
    },
    pools: toPart(parts.pools ?? [aPool()], (pools) => [anEndpoint({ pools })]),
    logs: toPart(parts.logs ?? [], (classes) => [someLogs(classes)]),
    services: toPart(parts.services ?? { services: [aServiceReading()] }, (value) => value),
    ...(parts.poolers && { poolers: { ok: true, tookMs: 2, value: parts.poolers } }),
  };
}

function toPart<T extends object, V>(given: T | Problem, wrap: (value: T) => V): Part<V> {
  return isProblem(given)
    ? { ok: false, tookMs: 3, problem: given }
    : { ok: true, tookMs: 3, value: wrap(given) };
}

function isProblem(given: object): given is Problem {
  return 'kind' in given && 'summary' in given;
}

export function aProblem(kind: Problem['kind'], fix?: string): Problem {
  return { kind, summary: `It is ${kind}.`, ...(fix !== undefined && { fix }) };
}

export function refused(
  kind: ReachError['kind'],
  more: Partial<NonNullable<Reach['error']>> = {},
): Reach {
  return {
    via: 'none',
    error: { kind, summary: `PostgreSQL: ${kind}.`, fix: 'Do this.', ...more },
    rungs: [{ rung: 'connection', outcome: kind }],
  };
}

export function aReading(
  overrides: Partial<Omit<DatabaseReading, 'counts'>> & {
    counts?: Partial<DatabaseReading['counts']>;
  } = {},
): DatabaseReading {
  const { counts, ...rest } = overrides;
  return {
    at: '2026-11-23T03:00:00.000000Z',
    version: 180_004,
    startedAt: '2026-11-01T00:00:00.000000Z',
    inRecovery: false,
    capacity: { maxConnections: 100, superuserReserved: 3, reserved: 0, providerReserved: 0 },
    sources: [aSource({ total: 10, active: 2, idle: 8 })],
    sourcesTotal: 1,
    superuserRoles: [],
    connectionLimits: [],
    sessions: [],
    sessionsTruncated: false,
    locks: { waiters: [], waitersTotal: 0, askedTotal: 0 },
    prepared: [],
    preparedTotal: 0,
    settings: [
      {
        name: 'max_connections',
        value: '100',
        unit: null,
        source: 'configuration file',
        pendingRestart: false,
      },
      {
        name: 'idle_in_transaction_session_timeout',
        value: '600000',
        unit: 'ms',
        source: 'configuration file',
        pendingRestart: false,
      },
    ],
    waits: [],
    progress: [],
    untracked: { sessions: 0, resting: 0, inTransaction: 0 },
    statsResetAt: null,
    deadlocks: 0,
    standbys: [],
    visibility: {
      monitor: true,
      role: 'dbconn',
      roleSuperuser: false,
      canSignal: true,
      canUseReserved: true,
      roleConnectionLimit: 2,
    },
    counts: { ...quiet, ...counts },
    ...rest,
  };
}

const quiet: DatabaseReading['counts'] = {
  clients: 11,
  active: 3,
  idle: 8,
  idleInTransaction: 0,
  idleInTransactionAborted: 0,
  starting: 0,
  other: 0,
  own: 1,
  superuser: 0,
  hidden: 0,
  lockWaiting: 0,
  newIn10s: 0,
  newIn60s: 0,
  newIn300s: 0,
  idleInTransactionOverWarning: 0,
  idleInTransactionOverTerminate: 0,
  idleOverTerminate: 0,
  slowQueries: 0,
  slowClients: 0,
  committing: 0,
  walsenders: 0,
  parallelWorkers: 0,
  autovacuumWorkers: 0,
  processes: 20,
};

export function aSource(overrides: Partial<SourceReading> = {}): SourceReading {
  return {
    user: 'app',
    application: 'backend',
    client: '10.0.0.5',
    database: 'shop',
    total: 1,
    active: 0,
    idle: 1,
    idleInTransaction: 0,
    idleInTransactionAborted: 0,
    idleInTransactionOverTerminate: 0,
    idleOverTerminate: 0,
    newIn60s: 0,
    oldestIdleSeconds: null,
    usedOnce: 0,
    usedOnceAges: null,
    silent: 0,
    silentAges: null,
    openedAges: null,
    ...overrides,
  };
}

export function aSession(overrides: Partial<SessionReading> = {}): SessionReading {
  return {
    pid: 100,
    startedAt: '2026-11-23T02:00:00.123456Z',
    user: 'app',
    application: 'backend',
    client: '10.0.0.5',
    database: 'shop',
    backendType: 'client backend',
    state: 'idle',
    stateChangedAt: '2026-11-23T02:59:59.000001Z',
    transactionStartedAt: null,
    connectionAgeSeconds: 3_600,
    transactionAgeSeconds: null,
    queryAgeSeconds: 1,
    stateAgeSeconds: 0.1,
    waitEventType: 'Client',
    waitEvent: 'ClientRead',
    hasWritten: false,
    superuser: false,
    own: false,
    canSignal: true,
    query: 'SELECT ?',
    fingerprint: 'f0',
    ...overrides,
  };
}

/** So many sessions, each with a pid of its own; `each` gives what differs. */
export function sessions(
  many: number,
  each: (index: number) => Partial<SessionReading>,
): SessionReading[] {
  const from = nextPid;
  nextPid += many;
  return Array.from({ length: many }, (_, index) =>
    aSession({ pid: from + index, ...each(index) }),
  );
}
const firstPid = 1_000;
let nextPid = firstPid;

/** So that a file's pids are the same whatever ran before it. */
export function restartPids(): void {
  nextPid = firstPid;
}

export function aWaiter(
  pid: number,
  waitsFor: readonly number[],
  overrides: Partial<WaiterReading> = {},
): WaiterReading {
  return {
    pid,
    waitsFor,
    waitsForTotal: waitsFor.length,
    prepared: [],
    lock: 'transactionid ShareLock',
    relation: null,
    waitSeconds: 30,
    ...overrides,
  };
}

export function locksOf(waiters: readonly WaiterReading[]): DatabaseReading['locks'] {
  return { waiters, waitersTotal: waiters.length, askedTotal: waiters.length };
}

export function aPool(overrides: Partial<PoolReading> = {}): PoolReading {
  return {
    service: 'backend',
    name: 'default',
    size: 10,
    maxOverflow: 5,
    checkedOut: 2,
    checkedIn: 8,
    overflow: 0,
    limit: 15,
    utilisation: 2 / 15,
    timeouts: 0,
    ...overrides,
  };
}

export function anEndpoint(overrides: Partial<PoolEndpointSnapshot> = {}): PoolEndpointSnapshot {
  return {
    service: 'backend',
    endpoint: 'localhost:8000/metrics',
    tookMs: 2,
    pools: [],
    ...overrides,
  };
}

function someLogs(
  classes: readonly LogClassCount[],
  overrides: Partial<ServiceLogs> = {},
): ServiceLogs {
  return {
    service: 'backend',
    container: 'shop-backend-1',
    tookMs: 2,
    linesRead: 200,
    classes,
    ...overrides,
  };
}

export function lines(name: LogClass, count = 1): LogClassCount {
  return { class: name, count, lastAt: takenAt, example: `a line of ${name}` };
}

export function aServiceReading(overrides: Partial<ServiceReading> = {}): ServiceReading {
  return { name: 'backend', replicas: [aReplica()], ...overrides };
}

export function aReplica(overrides: Partial<ReplicaReading> = {}): ReplicaReading {
  return {
    id: '0123456789ab',
    name: 'shop-backend-1',
    number: 1,
    state: 'running',
    health: 'healthy',
    startedAt: '2026-11-20T00:00:00.000Z',
    restarts: 0,
    exitCode: null,
    oomKilled: false,
    addresses: ['10.0.0.5'],
    pool: { size: 10, maxOverflow: 5, timeoutSeconds: 30, recycleSeconds: 1_800, prePing: true },
    ...overrides,
  };
}

/** Replicas of one service, each with an address and a start of its own. */
export function replicas(
  many: number,
  pool: { size: number | null; maxOverflow: number | null },
  more: Partial<ReplicaReading> = {},
): ReplicaReading[] {
  return Array.from({ length: many }, (_, index) =>
    aReplica({
      name: `shop-backend-${index + 1}`,
      number: index + 1,
      addresses: [`10.0.1.${index + 1}`],
      pool: { ...aReplica().pool, ...pool },
      ...more,
    }),
  );
}
