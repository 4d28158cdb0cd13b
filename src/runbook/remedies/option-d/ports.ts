import type { Clock } from '../../ports.ts';
import type { Blockers, SpareGuard } from '../../ports/blockers.ts';
import type { Target } from '../../target.ts';
import type { Ask } from '../ask.ts';
import type { Plan } from '../plan.ts';
import { toSpareGuard } from '../spare-guard.ts';
import type { BlockerTarget } from '../targets/blocker.ts';

export interface OptionDPorts {
  readonly blockers: Blockers;
  readonly clock: Clock;
  readonly target: Target;
  readonly poolerApplications?: readonly string[];
  /** How long a cancel may take to let the others go before the session is terminated; 5 s unless given. */
  readonly releaseWithinMs?: number;
  /** Blockers of one plan; 10 unless given. */
  readonly atMost?: number;
}

export type StopAsk = Extract<Ask, { kind: 'stop-blockers' | 'stop-session' | 'cancel-slow' }>;

/** A cancelled statement rolls back first; one that reacts at all has ended by then. */
export const defaultReleaseWithinMs = 5000;

export function toStopAsk(ask: Ask): StopAsk {
  switch (ask.kind) {
    case 'stop-blockers':
    case 'stop-session':
    case 'cancel-slow':
      return ask;
    default:
      throw new Error('Option D only stops sessions.');
  }
}

export function toGuard({ target, poolerApplications }: OptionDPorts): SpareGuard {
  return toSpareGuard(target, poolerApplications);
}

export function blockersOf(targets: Plan['targets']): BlockerTarget[] {
  return targets.filter((target) => target.kind === 'blocker');
}
