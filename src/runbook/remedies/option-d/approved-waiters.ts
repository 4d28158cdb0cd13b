import { directlyBehind } from '../../diagnose/obstacles.ts';
import type { Obstacle } from '../../diagnose/obstacles.ts';
import type { LockReading } from '../../snapshot/snapshot.ts';
import { mostWaiters } from '../targets/blocker.ts';
import type { BlockerTarget, WaiterIdentity } from '../targets/blocker.ts';

/**
 * The waiters for whose sake a blocker may be stopped: those that wait for it directly, and then those behind them. Of
 * fifty updates of one row only the first waits for its holder, and when that gives up the next takes its place.
 *
 * @param known who has which pid
 */
export function waitersToApprove(
  reading: LockReading,
  { pid, waiters }: Pick<Obstacle, 'pid' | 'waiters'>,
  known: readonly WaiterIdentity[],
): WaiterIdentity[] {
  const direct = new Set(directlyBehind(reading, pid));
  const identities = new Map(known.map((one) => [one.pid, one]));
  return waiters
    .toSorted((a, b) => Number(direct.has(b)) - Number(direct.has(a)))
    .flatMap((waiter) => identities.get(waiter) ?? [])
    .slice(0, mostWaiters);
}

/** Whether one of them waits for it directly, told by pid: their starts are checked by the statement that signals. */
export function stillBlocks(
  { identity, waiters }: Pick<BlockerTarget, 'identity' | 'waiters'>,
  waits: LockReading,
): boolean {
  const direct = new Set(directlyBehind(waits, identity.pid));
  return waiters.some(({ pid }) => direct.has(pid));
}
