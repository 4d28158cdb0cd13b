import type { PoolReading, Snapshot } from '../../snapshot/snapshot.ts';
import type { OptionEPorts } from './ports.ts';
import type { PoolTarget } from '../targets/pool.ts';

const pollMs = 1000;

/** What the pool's own metrics say of a change; `stayed`: they show the old numbers, and the change did nothing. */
export interface PoolProof {
  readonly shows: 'new' | 'stayed' | 'nothing';
  readonly sentence: string;
}

/**
 * Looks until the pool metrics show the plan's numbers, or the time is up. An endpoint may have further pools, which
 * keep their own size: one of them with the new numbers is enough for each.
 */
export async function provePools(
  { takeSnapshot, clock, shownWithinMs }: OptionEPorts,
  pool: PoolTarget,
): Promise<PoolProof> {
  const deadline = clock.now() + shownWithinMs;
  const { poolSize, maxOverflow } = pool.to;
  for (;;) {
    const endpoints = readingsOf(await takeSnapshot(), pool);
    if (endpoints.length > 0 && endpoints.every((pools) => pools.some((one) => shows(one, pool)))) {
      const sentence = `Its containers and its pool metrics show ${poolSize} + ${maxOverflow}.`;
      return { shows: 'new', sentence };
    }
    if (clock.now() >= deadline) return explain(endpoints, pool);
    await clock.sleep(pollMs);
  }
}

function explain(endpoints: readonly (readonly PoolReading[])[], pool: PoolTarget): PoolProof {
  const { to } = pool;
  const other = endpoints
    .filter((pools) => !pools.some((one) => shows(one, pool)))
    .flatMap((pools) => pools.filter(({ size }) => size !== null))[0];
  if (other !== undefined) {
    const now = other.size === to.poolSize ? `${other.size} + ${other.maxOverflow}` : other.size;
    const sentence = `Its pool metrics still show ${now}: the application does not take its pool from there.`;
    return { shows: 'stayed', sentence };
  }
  const proven = `Its containers have ${to.poolSize} + ${to.maxOverflow} in their environment.`;
  const sentence = `${proven} No pool metrics of it could be read to see them in use.`;
  return { shows: 'nothing', sentence };
}

/** Endpoint by endpoint, those of which pools were read. */
function readingsOf(
  { pools }: Snapshot,
  { service }: PoolTarget,
): readonly (readonly PoolReading[])[] {
  if (!pools.ok) return [];
  return pools.value
    .filter((endpoint) => endpoint.service === service && endpoint.pools.length > 0)
    .map((endpoint) => endpoint.pools);
}

/** A figure the metrics lack says nothing against it. */
function shows({ size, maxOverflow }: PoolReading, { to }: PoolTarget): boolean {
  return size === to.poolSize && (maxOverflow === null || maxOverflow === to.maxOverflow);
}
