import type { Snapshot } from '../snapshot/snapshot.ts';
import type { Clock, Journal } from '../snapshot/ports.ts';
import type { Neighbourhood } from '../ports/neighbours.ts';
import type { Lease } from '../remedies/lease.ts';
import type { EmergencyStopSwitch } from '../ports/brake.ts';
import type { People } from '../ports/people.ts';
import type { Remedy, StepProgress } from '../remedies/remedy.ts';
import type { Policy } from '../approvals/policy.ts';
import type { ApprovalRequest, RequestChange, RequestState } from './request.ts';
import { advance } from './request.ts';

/** What one execution works with. */
export interface ExecutionContext {
  readonly journal: Journal;
  readonly lease: Lease;
  readonly stopSwitch?: EmergencyStopSwitch;
  readonly remedy: Remedy;
  readonly takeSnapshot: () => Promise<Snapshot>;
  readonly neighbourhood?: (target: string) => Promise<Neighbourhood> | undefined;
  readonly clock: Clock;
  readonly warningUtilisation: number;
  readonly policy: Policy;
  readonly people: People;
  readonly verifyAfterMs: number;
  /** Called on every change and every step, for the live message. */
  readonly notify: (request: ApprovalRequest, progress?: StepProgress) => void;
  readonly onFault: (id: string, error: unknown) => void;
  /** Aborts when this process ends: whoever comes next goes on verifying. */
  readonly signal: AbortSignal;
}

export interface Step {
  readonly state: RequestState;
  readonly change: RequestChange;
}

/** One transition of a running request, with its entry in the journal. */
export async function move(
  request: ApprovalRequest,
  { journal, notify }: ExecutionContext,
  { state, change }: Step,
): Promise<ApprovalRequest | 'changed' | 'busy'> {
  const next = advance(request, state, change);
  const { closing, execution, result } = next;
  const entry = { request: next.id, kind: state, body: { closing, execution, result } };
  const moved = await journal.move(request.version, next, entry);
  if (moved !== 'moved') return moved;
  notify(next);
  return next;
}

/** While it runs, a request belongs to whoever runs it; another hand on it is a fault. */
export async function mustMove(
  request: ApprovalRequest,
  context: ExecutionContext,
  step: Step,
): Promise<ApprovalRequest> {
  const moved = await move(request, context, step);
  if (moved === 'changed' || moved === 'busy') {
    throw new Error(`Request ${request.id} was changed by somebody else while it was running.`);
  }
  return moved;
}
