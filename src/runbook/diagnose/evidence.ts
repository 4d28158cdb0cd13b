import type { Target } from '../target.ts';
import { drawBudget } from './budget.ts';
import { toCapacity } from './capacity.ts';
import type {
  Blocking,
  Budget,
  Capacity,
  Forecast,
  LeakSuspect,
  LogSummary,
  Pool,
  Source,
} from './diagnosis.ts';
import { forecast } from './forecast.ts';
import { findLeakSuspects } from './leaks.ts';
import { analyseLocks } from './locks.ts';
import { toLogs } from './logs.ts';
import type { RecentLook } from './look-ring.ts';
import { poolReadings, toPools } from './pools.ts';
import type { DatabaseReading, PoolReading, ServiceReading, Snapshot } from './snapshot.ts';
import { createFindService, toSources } from './sources.ts';
import type { FindService } from './sources.ts';

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
  readonly logs: readonly LogSummary[];
  /** Empty when the containers could not be read. */
  readonly services: readonly ServiceReading[];
  readonly budget: Budget;
  readonly forecast: Forecast;
  readonly leakSuspects: readonly LeakSuspect[];
  readonly history: readonly RecentLook[];
  /** Idle longer than this in a transaction is lingering, idle longer outside of one is not in use. */
  readonly lingeringMs: number;
}

export interface DiagnoseInput {
  readonly snapshot: Snapshot;
  readonly target: Target;
  /** The looks before this one, oldest first. */
  readonly recent: readonly RecentLook[];
}

const noLocks = { waiters: [], waitersTotal: 0, askedTotal: 0 };
/** A pool at work leaves a connection alone for less, even where thresholds are set to seconds. */
const leastLingeringMs = 1_000;

export function gatherEvidence({ snapshot, target, recent }: DiagnoseInput): Evidence {
  const { reading } = snapshot.database;
  const services = snapshot.services.ok ? snapshot.services.value.services : [];
  const processes = snapshot.services.ok ? snapshot.services.value.postgresProcesses : undefined;
  const findService = createFindService(target, services);
  const capacity = reading === undefined ? null : toCapacity(reading, processes);
  const sources =
    reading === undefined
      ? sourcesFromTitles(processes?.sources ?? [], findService)
      : toSources(reading.sources, findService);
  const { idleInTransactionWarningMs: oldMs } = target.limits;
  const lingeringMs = Math.min(oldMs, Math.max(leastLingeringMs, oldMs / 10));
  const history = [...recent, ...present(snapshot, capacity)];
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
    poolReadings: poolReadings(snapshot.pools),
    logs: toLogs(snapshot.logs),
    services,
    budget: drawBudget({
      services: target.services,
      replicas: new Map(services.filter(isRead).map(({ name, replicas }) => [name, replicas])),
      pools: poolReadings(snapshot.pools),
      sources,
      used: capacity?.used ?? processes?.clients ?? null,
      // Without a rung the slots are still those of the last look that saw them.
      usable: capacity?.usable ?? recent.at(-1)?.usable ?? null,
    }),
    forecast: forecast(history, capacity, reading),
    leakSuspects: findLeakSuspects(reading?.sessions ?? [], lingeringMs),
    history,
    lingeringMs,
  };
}

function isRead({ problem }: ServiceReading): boolean {
  return problem === undefined;
}

function present({ takenAt }: Snapshot, capacity: Capacity | null): RecentLook[] {
  return capacity === null ? [] : [{ at: takenAt, used: capacity.used, usable: capacity.usable }];
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
    total,
    active: 0,
    idle: 0,
    idleInTransaction: 0,
    idleInTransactionAborted: 0,
  }));
}
