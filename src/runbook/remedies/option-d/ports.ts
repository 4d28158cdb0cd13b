import type { Clock } from '../../snapshot/ports.ts';
import type { Blockers, SkipGuard } from '../d-stop-blockers/ports.ts';
import type { Target } from '../../snapshot/target.ts';
import type { RemedyRequest } from '../ask.ts';
import type { Plan } from '../plan.ts';
import { toSkipGuard } from '../spare-guard.ts';
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
