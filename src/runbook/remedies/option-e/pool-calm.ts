import type { OptionEPorts } from './ports.ts';
import type { RunControl } from '../remedy.ts';
import { whyNotNow } from '../option-c/restart-governor.ts';
import type { PoolTarget } from '../targets/pool.ts';
import type { ReplicaTarget } from '../targets/replica.ts';

const pollMs = 2000;

interface NextContainer {
  readonly pool: PoolTarget;
  readonly replica: ReplicaTarget;
  readonly isFirst: boolean;
}

/**
 * Waits until the next container may be made anew, or says why it may not. The first one gives slots back to a full
 * server, so the governor rules only from the second on.
 */
export async function awaitCalm(
  { takeSnapshot, clock, target, calmWithinMs }: OptionEPorts,
  control: RunControl,
  { pool, replica, isFirst }: NextContainer,
): Promise<string | undefined> {
  if (await control.isStopped()) return 'All changes were stopped';
  if (isFirst) return undefined;
  const workers = target.services.find(({ name }) => name === pool.service)?.workers ?? 1;
  const mayOpen = workers * (pool.to.poolSize + pool.to.maxOverflow);
  const deadline = clock.now() + calmWithinMs;
  for (;;) {
    const next = { holds: replica.connections, mayOpen };
    const why = whyNotNow(await takeSnapshot(), next, clock.now());
    if (why === undefined) return undefined;
    if (clock.now() >= deadline) return `Held back to spare PostgreSQL: ${why}`;
    await clock.sleep(pollMs);
    if (await control.isStopped()) return 'All changes were stopped';
  }
}
