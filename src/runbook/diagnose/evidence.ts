import type { PoolReading } from '../snapshot/readings.ts';
import type {
  DatabaseReading,
  ReplicaReading,
  ServiceReading,
  Snapshot,
} from '../snapshot/snapshot.ts';
import { lingeringMs as toLingeringMs } from '../snapshot/target.ts';
import type { Target } from '../snapshot/target.ts';
import { drawBudget } from './budget.ts';
import { findOverlaps } from './deploys.ts';
import type { Overlap } from './deploys.ts';
import type {
  Blocking,
  Budget,
  Capacity,
  Diagnosis,
  Forecast,
  LeakSuspect,
  LogSummary,
  Pool,
  Source,
} from './diagnosis.ts';
import { forecast } from './forecast.ts';
import { findAbandoned, findIdleLeaks, findLeakSuspects } from './leaks.ts';
import type { Abandoned, IdleLeak } from './leaks.ts';
import { analyseLocks } from './locks.ts';
import { addPoolers, markPoolers, servicesBehind, toKnownPoolers } from './poolers.ts';
import type { KnownPooler } from './poolers.ts';
import { findDragging } from './recent-checks.ts';
import type { Dragging, RecentCheck } from './recent-checks.ts';
import { createFindService, findStrangers, toSources } from './sources.ts';
import type { FindService, Strangers } from './sources.ts';
import { poolReadings, toCapacity, toLogs, toPools, toSessions } from './summarise.ts';

/** One moment, worked out once: findings, causes and proposals all judge by these same values. */
export interface Evidence {
  readonly snapshot: Snapshot;
  readonly target: Target;
  /** Absent when no rung answered. */
  readonly reading: DatabaseReading | undefined;
  readonly capacity: Capacity | null;
  readonly sources: readonly Source[];
  readonly findService: FindService;
  readonly blocking: Blocking;
  /** Distinct other waiters behind each waiter. */
  readonly followers: ReadonlyMap<number, number>;
  readonly pools: readonly Pool[];
  readonly poolReadings: readonly PoolReading[];
  readonly poolers: readonly KnownPooler[];
  /** Services that reach PostgreSQL through a pooler only, and the poolers themselves. */
  readonly behindPoolers: ReadonlySet<string>;
  readonly logs: readonly LogSummary[];
  /** Empty when the containers could not be read. */
  readonly services: readonly ServiceReading[];
  readonly budget: Budget;
  readonly forecast: Forecast;
  readonly overlaps: readonly Overlap[];
  readonly strangers: Strangers | null;
  readonly abandoned: Abandoned | null;
  readonly leakSuspects: readonly LeakSuspect[];
  /** Queries far slower than usual, while slots or a pool are short. */
  readonly dragging: Dragging | undefined;
  readonly idleLeaks: readonly IdleLeak[];
  readonly history: readonly RecentCheck[];
  /** Idle longer than this in a transaction is lingering, idle longer outside of one is not in use. */
  readonly lingeringMs: number;
}

export interface DiagnoseInput {
  readonly snapshot: Snapshot;
  readonly target: Target;
  /** The checks before this one, oldest first. */
  readonly recent: readonly RecentCheck[];
}

/** A diagnosis with all it was drawn from: the same evidence gives the same diagnosis at any later time. */
export interface TargetCheck extends DiagnoseInput {
  readonly diagnosis: Diagnosis;
}

const noLocks = { waiters: [], waitersTotal: 0, askedTotal: 0 };

export function gatherEvidence({ snapshot, target, recent }: DiagnoseInput): Evidence {
  const { reading } = snapshot.database;
  const services = snapshot.services.ok ? snapshot.services.value.services : [];
  const processes = snapshot.services.ok ? snapshot.services.value.postgresProcesses : undefined;
  const findService = createFindService(target, services);
  const capacity = reading === undefined ? null : toCapacity(reading, processes);
  const poolers = toKnownPoolers(
    snapshot,
    findService,
    (name) => services.find((one) => one.name === name)?.replicas.filter(isRunning).length ?? 0,
  );
  const sources = markPoolers(
    reading === undefined
      ? sourcesFromTitles(processes?.sources ?? [], findService)
      : toSources(reading, findService, target.ownRoles),
    poolers,
  );
  const behindPoolers = servicesBehind(poolers, sources);
  const lingeringMs = toLingeringMs(target.limits);
  const history = [...recent, ...present(snapshot, capacity)];
  const ownBudget = drawBudget({
    services: target.services.filter(({ name }) => !behindPoolers.has(name)),
    replicas: new Map(services.filter(isRead).map(({ name, replicas }) => [name, replicas])),
    endpoints: snapshot.pools.ok ? snapshot.pools.value : [],
    sources,
    used: capacity?.used ?? processes?.clients ?? null,
    // Without a rung the slots are still those of the last look that saw them.
    usable: capacity?.usable ?? recent.at(-1)?.usable ?? null,
  });
  const budget = addPoolers(ownBudget, poolers);
  const read = services.filter(isRead);
  const lostInput = { target, reading, capacity, sources, budget, services: read };
  const locks = analyseLocks(reading?.locks ?? noLocks);
  return {
    snapshot,
    target,
    reading,
    capacity,
    sources,
    findService,
    blocking: locks.blocking,
    followers: locks.followers,
    pools: toPools(snapshot.pools),
    poolers,
    behindPoolers,
    poolReadings: poolReadings(snapshot.pools),
    logs: toLogs(snapshot.logs),
    services,
    budget,
    ...findLost(lostInput, snapshot),
    overlaps: findOverlaps(read, snapshot.takenAt),
    forecast: forecast(history, capacity, reading),
    leakSuspects: findLeakSuspects(reading?.sessions ?? [], lingeringMs),
    dragging: findDragging(
      { capacity, sessions: toSessions(reading?.sessions ?? []), blocking: locks.blocking },
      recent,
    ),
    history,
    lingeringMs,
  };
}

type LostInput = Parameters<typeof findStrangers>[0] &
  Omit<Parameters<typeof findAbandoned>[0], 'poolReadings'>;

/** Of clients that no configuration knows, who holds the slots is the news. */
function findLost(
  lostInput: LostInput,
  { pools }: Snapshot,
): Pick<Evidence, 'strangers' | 'abandoned' | 'idleLeaks'> {
  const strangers = findStrangers(lostInput);
  const found = findAbandoned({ ...lostInput, poolReadings: poolReadings(pools) });
  const abandoned = found?.service === null && strangers !== null ? null : found;
  const { reading, sources } = lostInput;
  const idleLeaks = findIdleLeaks(reading?.sources ?? [], sources, abandoned?.goneSources);
  return { strangers, abandoned, idleLeaks };
}

function isRunning({ state }: ReplicaReading): boolean {
  return state === 'running';
}

function isRead({ problem }: ServiceReading): boolean {
  return problem === undefined;
}

function present({ takenAt, database }: Snapshot, capacity: Capacity | null): RecentCheck[] {
  if (capacity === null) return [];
  const { used, usable } = capacity;
  const newIn60s = database.reading?.counts.newIn60s;
  return [{ at: takenAt, used, usable, ...(newIn60s !== undefined && { newIn60s }) }];
}

/** Process titles tell who is there, not what each does. */
function sourcesFromTitles(
  titles: readonly { user: string; database: string; client: string; total: number }[],
  findService: FindService,
): Source[] {
  return titles.map(({ user, database, client, total }) => ({
    user,
    application: '',
    client,
    database,
    service: findService(client, ''),
    kind: 'application',
    total,
    active: 0,
    idle: 0,
    idleInTransaction: 0,
    idleInTransactionAborted: 0,
  }));
}
