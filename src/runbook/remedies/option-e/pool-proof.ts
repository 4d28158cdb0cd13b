import type { PoolReading, Snapshot } from '../../diagnose/snapshot.ts';
import type { OptionEPorts } from '../option-e-resize-pool.ts';
import type { PoolTarget } from '../targets/pool.ts';

const pollMs = 1000;

/** Looks until the pool metrics show the plan's numbers, and says in a sentence what they show. */
export async function provePools(
  { look, clock, shownWithinMs }: OptionEPorts,
  pool: PoolTarget,
): Promise<string> {
  const deadline = clock.now() + shownWithinMs;
  const { poolSize, maxOverflow } = pool.to;
  for (;;) {
    const readings = readingsOf(await look(), pool);
    if (readings.length > 0 && readings.every((reading) => shows(reading, pool))) {
      return `Its containers and its pool metrics show ${poolSize} + ${maxOverflow}.`;
    }
    if (clock.now() >= deadline) return explain(readings, pool);
    await clock.sleep(pollMs);
  }
}

function explain(readings: readonly PoolReading[], { to }: PoolTarget): string {
  const proven = `Its containers have ${to.poolSize} + ${to.maxOverflow} in their environment.`;
  const other = readings.find((reading) => reading.size !== null && reading.size !== to.poolSize);
  if (other !== undefined) {
    return `${proven} Its pool metrics still show a size of ${other.size}: the application may not take it from there.`;
  }
  return `${proven} No pool metrics of it could be read to see them in use.`;
}

function readingsOf({ pools }: Snapshot, { service }: PoolTarget): readonly PoolReading[] {
  if (!pools.ok) return [];
  return pools.value
    .filter((endpoint) => endpoint.service === service)
    .flatMap((endpoint) => endpoint.pools);
}

/** A figure the metrics lack says nothing against it. */
function shows({ size, maxOverflow }: PoolReading, { to }: PoolTarget): boolean {
  return size === to.poolSize && (maxOverflow === null || maxOverflow === to.maxOverflow);
}
