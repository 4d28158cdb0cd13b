import type { DatabaseReading, ReplicaReading } from '../../diagnose/snapshot.ts';
import type { ServiceConfig } from '../../target.ts';

/** Sessions of one replica, told by its addresses; null when the database was not read. */
export function countOfReplica(
  reading: DatabaseReading | undefined,
  { addresses }: ReplicaReading,
): number | null {
  if (reading === undefined) return null;
  return sum(reading, ({ client }) => client !== null && addresses.includes(client));
}

/** Sessions of a whole service, told by its replicas' addresses or by its application_name. */
export function countOfService(
  reading: DatabaseReading | undefined,
  service: ServiceConfig,
  replicas: readonly ReplicaReading[],
): number | null {
  if (reading === undefined) return null;
  const addresses = new Set(replicas.flatMap((replica) => replica.addresses));
  const name = service.application ?? service.name;
  return sum(
    reading,
    ({ client, application }) => application === name || (client !== null && addresses.has(client)),
  );
}

/** What all processes of one replica may open together; null when a number is missing or there is no ceiling. */
export function mayOpen(service: ServiceConfig, { pool }: ReplicaReading): number | null {
  const size = pool.size ?? service.poolSize ?? null;
  const overflow = pool.maxOverflow ?? service.maxOverflow ?? null;
  if (size === null || overflow === null || overflow < 0 || size === 0) return null;
  return service.workers * (size + overflow);
}

function sum(
  { sources }: DatabaseReading,
  belongs: (source: DatabaseReading['sources'][number]) => boolean,
): number {
  return sources.filter(belongs).reduce((total, source) => total + source.total, 0);
}
