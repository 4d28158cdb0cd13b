import type { Pool } from './diagnosis.ts';
import type { Part, PoolEndpointSnapshot, PoolReading } from '../snapshot/snapshot.ts';

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
