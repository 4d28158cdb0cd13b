import { within } from '../../timing.ts';
import type { Clock } from '../../timing.ts';
import type { Database, Pools, Services } from './ports.ts';
import { cleanUntrusted, redactText } from './redaction/redact-text.ts';
import type {
  DatabaseSnapshot,
  Part,
  PoolerSnapshot,
  ReachError,
  ServicesReading,
  Snapshot,
} from './snapshot.ts';
import type { Target } from './target.ts';

const stopped: ReachError = {
  kind: 'stopped',
  summary: 'PostgreSQL cannot be reached, and its container is not running.',
  fix: 'Start it, and check the end of its log.',
};

const starting: ReachError = {
  kind: 'stopped',
  detail: 'starting',
  summary: 'PostgreSQL cannot be reached, and Docker is starting its container again.',
  fix: 'Check the end of its log: the container keeps stopping.',
};

const frozen: ReachError = {
  kind: 'frozen',
  summary: 'PostgreSQL cannot be reached, and its container is paused.',
  fix: 'Find out who paused it, then run docker unpause.',
};

/**
 * A stopped container takes its name and its address out of Docker's network, so that from inside of that
 * network a stopped server looks like a wrong host name or a broken route. The container itself tells.
 */
export function explainReach(
  database: DatabaseSnapshot,
  services: Part<ServicesReading>,
  { postgresService }: Target,
): DatabaseSnapshot {
  if (database.reading !== undefined || database.reach.error?.kind !== 'network' || !services.ok) {
    return database;
  }
  const found = services.value.services.find(({ name }) => name === postgresService);
  const error = whyDown((found?.replicas ?? []).map(({ state }) => state));
  return error === undefined ? database : { ...database, reach: { ...database.reach, error } };
}

/** One container that runs is enough for the network to be the trouble. */
function whyDown(states: readonly string[]): ReachError | undefined {
  if (states.length === 0 || states.includes('running')) return undefined;
  if (states.includes('paused')) return frozen;
  return states.includes('restarting') ? starting : stopped;
}

/** The admin consoles of the PgBouncers in front of one target. They are only ever asked to show. */
export interface Poolers {
  /** All of them at once. Never throws: one that does not answer is something to say. Bounded by 2 s. */
  readPoolers(): Promise<Part<readonly PoolerSnapshot[]>>;
}

interface SnapshotPorts {
  readonly database: Pick<Database, 'readSnapshot'>;
  readonly services: Services;
  readonly pools: Pools;
  readonly poolers?: Poolers;
  readonly clock: Clock;
}

/** The ladder shares 4 s; half a second more lets it tell what it found. */
const databaseBudgetMs = 4_500;
/** Metrics and container logs keep to 2 s; a look answers within 5 s in every case. */
const partBudgetMs = 3_000;

/**
 * One look at everything around a target, all parts at once. A part that exceeds its budget or breaks becomes
 * a problem of its own and never delays the others; this never throws.
 */
export async function takeSnapshotOf(ports: SnapshotPorts, target: Target): Promise<Snapshot> {
  const { database, services, pools, poolers, clock } = ports;
  const began = clock.now();
  const [databaseReading, poolsPart, logsPart, servicesPart, poolersPart] = await Promise.all([
    readDatabase(database, clock),
    readPart('The pool metrics', clock, () => pools.readPools()),
    readPart('The logs', clock, () => services.readLogs()),
    readPart('The containers', clock, () => services.readServices()),
    poolers && readPart('The poolers', clock, () => poolers.readPoolers()),
  ]);
  return {
    target: target.name,
    takenAt: new Date(began).toISOString(),
    tookMs: clock.now() - began,
    database: explainReach(databaseReading, servicesPart, target),
    pools: poolsPart,
    logs: logsPart,
    services: servicesPart,
    ...(poolersPart !== undefined && { poolers: poolersPart }),
  };
}

async function readDatabase(
  database: SnapshotPorts['database'],
  clock: Clock,
): Promise<DatabaseSnapshot> {
  const began = clock.now();
  const result = await inTime(databaseBudgetMs, clock, () => database.readSnapshot());
  if (result.outcome === 'value') return result.value;
  const late = result.outcome === 'late';
  return {
    tookMs: clock.now() - began,
    reach: {
      via: 'none',
      rungs: [],
      error: {
        kind: late ? 'frozen' : 'network',
        summary: late
          ? `PostgreSQL did not answer within ${databaseBudgetMs / 1_000} s.`
          : `The check of PostgreSQL failed: ${result.message}`,
        fix: late
          ? 'Check whether the server hangs: its processes, disk and memory.'
          : 'Check the log of dbconn, and run doctor.',
      },
    },
  };
}

async function readPart<T>(
  name: string,
  clock: Clock,
  read: () => Promise<Part<T>>,
): Promise<Part<T>> {
  const began = clock.now();
  const result = await inTime(partBudgetMs, clock, read);
  if (result.outcome === 'value') return result.value;
  const late = result.outcome === 'late';
  return {
    ok: false,
    tookMs: clock.now() - began,
    problem: {
      kind: late ? 'timeout' : 'invalid',
      summary: late
        ? `${name} did not arrive within ${partBudgetMs / 1_000} s.`
        : `${name} could not be read: ${result.message}`,
      fix: late
        ? 'Check whether their source is overloaded or hangs, and run doctor.'
        : 'Check the log of dbconn, and run doctor.',
    },
  };
}

type Timed<T> =
  | { readonly outcome: 'value'; readonly value: T }
  | { readonly outcome: 'late' }
  | { readonly outcome: 'broken'; readonly message: string };

/** The first to come: the result, the failure, or the end of the budget. A later result goes nowhere. */
async function inTime<T>(
  budgetMs: number,
  clock: Clock,
  read: () => Promise<T>,
): Promise<Timed<T>> {
  const reading = Promise.try(read).then(
    (value): Timed<T> => ({ outcome: 'value', value }),
    (error: unknown): Timed<T> => ({ outcome: 'broken', message: describe(error) }),
  );
  return (await within(reading, budgetMs, clock)) ?? { outcome: 'late' };
}

function describe(error: unknown): string {
  return cleanUntrusted(redactText(error instanceof Error ? error.message : String(error)), 200);
}
