import type {
  DatabaseReading,
  ReplicaReading,
  Snapshot,
  SourceReading,
} from '../../snapshot/snapshot.ts';
import { createFindService } from '../../diagnose/sources.ts';
import type { ServiceConfig, Target } from '../../snapshot/target.ts';

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
