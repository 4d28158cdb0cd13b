import type { PrivilegedConnection, CandidateQuery, Clock } from '../../snapshot/ports.ts';
import type { Target } from '../../snapshot/target.ts';
import type { RemedyRequest } from '../ask.ts';
import { toSkipGuard } from '../spare-guard.ts';
import type { Plan } from '../plan.ts';
import type { SessionTarget } from '../targets/session.ts';
import { durationOfMs } from '../../snapshot/wording.ts';

export interface OptionAPorts {
  readonly privileged: PrivilegedConnection;
  readonly clock: Clock;
  readonly target: Target;
  readonly poolerApplications?: readonly string[];
  /** Of one plan; all unless given. */
  readonly atMost?: number;
}

export type IdleRequest = Extract<RemedyRequest, { kind: 'idle' | 'idle-in-transaction' }>;

/** Which sessions an ask is about. The same query plans, checks again and guards the signal. */
export function toQuery(
  { target, poolerApplications }: OptionAPorts,
  ask: IdleRequest,
): CandidateQuery {
  const { idleForMs, application = null } = ask;
  const states: CandidateQuery['states'] =
    ask.kind === 'idle' ? ['idle'] : ['idle in transaction', 'idle in transaction (aborted)'];
  const guard = { ...toSkipGuard(target, poolerApplications), idleForMs };
  return { states, idleForMs, application, guard };
}

export function toIdleRequest(ask: RemedyRequest): IdleRequest {
  if (ask.kind === 'idle' || ask.kind === 'idle-in-transaction') return ask;
  throw new Error('Option A only ends idle sessions.');
}

export function sessionsOf(targets: Plan['targets']): SessionTarget[] {
  return targets.filter((target) => target.kind === 'session');
}

/** `idle in transaction for over 10 min`. */
export function inWords(ask: IdleRequest): string {
  return ask.kind === 'idle'
    ? `of one application idle for over ${durationOfMs(ask.idleForMs)}`
    : `idle in transaction for over ${durationOfMs(ask.idleForMs)}`;
}
