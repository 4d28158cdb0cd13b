import type { Clock } from '../../../timing.ts';
import { directlyBehind } from '../../diagnose/obstacles.ts';
import type { Obstacle } from '../../diagnose/obstacles.ts';
import { toSkipGuard } from '../../diagnose/protected-sessions.ts';
import type { SkipGuard } from '../../diagnose/protected-sessions.ts';
import type { LockReading } from '../../snapshot/snapshot.ts';
import type { Target } from '../../snapshot/target.ts';
import { mostWaiters } from '../plan.ts';
import type { BlockerIdentity, BlockerTarget, Plan, WaiterIdentity } from '../plan.ts';
import type { RemedyRequest } from '../remedy-request.ts';
import type { Blockers } from './ports.ts';

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

export interface OptionDPorts {
  readonly blockers: Blockers;
  readonly clock: Clock;
  readonly target: Target;
  readonly poolerApplications?: readonly string[];
  /** How long a cancel may take to let the others go before the session is terminated; 5 s unless given. */
  readonly releaseWithinMs?: number;
  /** Blockers of one plan; 10 unless given. */
  readonly mostBlockersOfPlan?: number;
}

export type StopRequest = Extract<
  RemedyRequest,
  { kind: 'stop-blockers' | 'stop-session' | 'cancel-slow' }
>;

/** A cancelled statement rolls back first; one that reacts at all has ended by then. */
export const defaultReleaseWithinMs = 5000;

export function toStopRequest(ask: RemedyRequest): StopRequest {
  switch (ask.kind) {
    case 'stop-blockers':
    case 'stop-session':
    case 'cancel-slow':
      return ask;
    default:
      throw new Error('Option D only stops sessions.');
  }
}

export function toGuard({ target, poolerApplications }: OptionDPorts): SkipGuard {
  return toSkipGuard(target, poolerApplications);
}

export function blockersOf(targets: Plan['targets']): BlockerTarget[] {
  return targets.filter((target) => target.kind === 'blocker');
}

/** Whether both are the same session, whatever it does. */
export function isSameSession(a: BlockerIdentity, b: BlockerIdentity): boolean {
  return (
    a.pid === b.pid &&
    a.startedAt === b.startedAt &&
    a.user === b.user &&
    a.application === b.application
  );
}

/** Whether both are the same session at the same statement, or in the same rest. */
export function isSameStatement(a: BlockerIdentity, b: BlockerIdentity): boolean {
  return (
    isSameSession(a, b) &&
    a.state === b.state &&
    a.stateChangedAt === b.stateChangedAt &&
    a.transactionStartedAt === b.transactionStartedAt &&
    a.queryStartedAt === b.queryStartedAt
  );
}
