import { poll } from '../../../timing.ts';
import type { Clock } from '../../../timing.ts';
import { createFindService } from '../../diagnose/sources.ts';
import type {
  DatabaseReading,
  LogClass,
  LogClassCount,
  ReplicaReading,
  Snapshot,
  SourceReading,
} from '../../snapshot/snapshot.ts';
import type { ServiceConfig, Target } from '../../snapshot/target.ts';
import { count } from '../../snapshot/words.ts';
import type { Plan, ReplicaTarget } from '../plan.ts';
import { done, refuse } from '../remedy.ts';
import type { Answer, RunControl } from '../remedy.ts';

/** A refused connection this young means that the server is being stormed right now. */
const refusedWithinMs = 10_000;

const refusals: ReadonlySet<LogClass> = new Set([
  'slots-full',
  'slots-reserved',
  'role-or-database-limit',
]);

/** What an option needs that takes a service's replicas one after another. */
export interface ReplicaPorts {
  readonly takeSnapshot: () => Promise<Snapshot>;
  readonly clock: Clock;
  readonly target: Target;
  /** Services never touched, although configured: dbconn itself, its socket proxy, its journal. */
  readonly refusedServices: readonly string[];
  /** The beginnings of ids of containers never touched: the one dbconn runs in. */
  readonly refusedContainers: readonly string[];
  /** For one replica, from its start. */
  readonly healthyWithinMs: number;
  /** How long to wait for the storm to calm before the next replica. */
  readonly calmWithinMs: number;
}

interface NextReplica {
  /** Slots it holds now and gives back when it stops; null when it cannot be told. */
  readonly holds: number | null;
  /** What its pools may open together; null when unknown or without a ceiling. */
  readonly mayOpen: number | null;
}

/**
 * Whether the next replica may restart now, or in a sentence why not: its pool would not fit into the free
 * slots, or somebody was refused a slot (53300) within the last 10 s. Pools that start together storm a server
 * that has just come up for air.
 */
function whyNotNow(snapshot: Snapshot, next: NextReplica, nowMs: number): string | undefined {
  if (wasRefused(snapshot, nowMs)) return 'PostgreSQL refused connections within the last 10 s';
  const { reading } = snapshot.database;
  if (reading === undefined) return 'PostgreSQL could not be checked';
  const { maxConnections, superuserReserved, reserved, providerReserved } = reading.capacity;
  const usable = maxConnections - superuserReserved - reserved - providerReserved;
  const free = Math.max(0, usable - reading.counts.clients) + (next.holds ?? 0);
  return next.mayOpen !== null && next.mayOpen > free
    ? `its pool may open ${count(next.mayOpen, 'connection')}, and only ${free} would be free`
    : undefined;
}

export const stopped = 'All changes were stopped';

const pollMs = 2000;

/** The snapshot in which PostgreSQL has calmed enough for the next replica, or why there is none. */
export function awaitCalm(
  { takeSnapshot, clock, calmWithinMs }: ReplicaPorts,
  control: RunControl,
  nextIn: (snapshot: Snapshot) => NextReplica,
): Promise<Snapshot | string> {
  return poll({ everyMs: pollMs, withinMs: calmWithinMs, clock }, async (isOver) => {
    if (await control.isStopped()) return stopped;
    const snapshot = await takeSnapshot();
    const why = whyNotNow(snapshot, nextIn(snapshot), clock.now());
    if (why === undefined) return snapshot;
    return isOver() ? `Paused to protect PostgreSQL: ${why}` : undefined;
  });
}

function wasRefused({ database, logs }: Snapshot, nowMs: number): boolean {
  const { error } = database.reach;
  // dbconn at its own role's limit is nobody else's trouble.
  if (error?.kind === 'full' && error.scope !== 'role') return true;
  if (!logs.ok) return false;
  const role = database.reading?.visibility.role;
  return logs.value.some(({ classes }) =>
    classes.some(
      (line) =>
        refusals.has(line.class) &&
        !isOurs(line, role) &&
        line.lastAt !== null &&
        Date.parse(line.lastAt) >= nowMs - refusedWithinMs,
    ),
  );
}

/** The server logs dbconn's own refusals too, by the role's name. */
function isOurs({ example }: LogClassCount, role: string | undefined): boolean {
  return role !== undefined && example.includes(`too many connections for role "${role}"`);
}

/** Sessions of one replica, told by its addresses; null when the database was not read. */
export function countOfReplica(
  reading: DatabaseReading | undefined,
  { addresses }: ReplicaReading,
): number | null {
  if (reading === undefined) return null;
  return sum(reading, ({ client }) => client !== null && addresses.includes(client));
}

/** Sessions of a whole service, told as the diagnosis tells them; null when the database was not read. */
export function countOfService(snapshot: Snapshot, target: Target, name: string): number | null {
  const { reading } = snapshot.database;
  if (reading === undefined) return null;
  const isOf = isOfService(snapshot, target, name);
  return sum(reading, isOf);
}

/** Whether a session is a service's: by its address, else by its name without what tells processes apart. */
export function isOfService(
  { services }: Snapshot,
  target: Target,
  name: string,
): (session: Pick<SourceReading, 'client' | 'application'>) => boolean {
  const findService = createFindService(target, services.ok ? services.value.services : []);
  return ({ client, application }) => findService(client, application) === name;
}

/** What all processes of one replica may open together; null when a number is missing or there is no ceiling. */
export function mayOpen(service: ServiceConfig, { pool }: ReplicaReading): number | null {
  const size = pool.size ?? service.poolSize ?? null;
  const overflow = pool.maxOverflow ?? service.maxOverflow ?? null;
  if (size === null || overflow === null || overflow < 0 || size === 0) return null;
  return service.workers * (size + overflow);
}

function sum({ sources }: DatabaseReading, belongs: (source: SourceReading) => boolean): number {
  return sources.filter(belongs).reduce((total, source) => total + source.total, 0);
}

/** Only a service that dbconn.yml names is ever touched. */
export function findService({ services }: Target, name: string): Answer<ServiceConfig> {
  const service = services.find((candidate) => candidate.name === name);
  if (service !== undefined) return done(service);
  const names = services.map((candidate) => candidate.name).join(', ');
  const next = names === '' ? 'Add services in dbconn.yml.' : `Configured services: ${names}.`;
  return refuse('unknown-service', 'No configured service has that name.', next);
}

/** Its containers by number; every one of them must have been seen, or a plan would leave one out. */
export function readReplicas(
  { services }: Snapshot,
  name: string,
): Answer<readonly ReplicaReading[]> {
  const fallback = 'Check with /dbconn doctor.';
  const found = services.ok
    ? services.value.services.find((service) => service.name === name)
    : undefined;
  const problem = services.ok ? found?.problem : services.problem;
  if (problem !== undefined) {
    return refuse('containers-unread', problem.summary, problem.fix ?? fallback);
  }
  if (found !== undefined && found.replicas.length > 0) {
    return done(found.replicas.toSorted((a, b) => a.number - b.number));
  }
  return refuse('no-containers', `No container of ${name} was found.`, fallback);
}

/** A restart, or a recreated container, would start what somebody stopped on purpose. */
export function whyNotRunning({ state }: Pick<ReplicaReading, 'state'>): string | undefined {
  return state === 'running' || state === 'restarting' ? undefined : 'it is not running';
}

interface ServiceRules {
  readonly target: Target;
  readonly refusedServices: readonly string[];
}

/** Only what is configured, and never what dbconn stands on. */
export function mayResize(
  { target, refusedServices }: ServiceRules,
  name: string,
): Answer<ServiceConfig> {
  if (name === target.postgresService) {
    const next = 'To raise max_connections, use option B.';
    return refuse('postgres', 'PostgreSQL itself has no connection pool.', next);
  }
  if (refusedServices.includes(name)) {
    const next = 'Change it by hand if necessary.';
    return refuse('own-service', 'dbconn does not change services it depends on.', next);
  }
  return findService(target, name);
}

export function replicasOf(targets: Plan['targets']): ReplicaTarget[] {
  return targets.filter((target) => target.kind === 'replica');
}
