import type { Clock } from '../../timing.ts';
import type { HandOffRemedy } from '../remedies/by-hand/create-hand-off.ts';
import type { Lease, Remedy, StepProgress } from '../remedies/remedy.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import type { Journal, Stop } from './journal.ts';
import type { Neighbourhood } from './neighbours.ts';
import type { People } from './people.ts';
import type { Policies } from './policy.ts';
import { advance } from './request.ts';
import type { ApprovalRequest, RequestChange, RequestState } from './request.ts';

/** An emergency stop set on the machine rather than in Slack: a file, or a line of dbconn.yml. */
export interface EmergencyStopSwitch {
  /** Looked at again each time. Where it cannot be looked at, that is a stop too. Never throws. */
  readStop(): Promise<Stop | undefined>;
}

/** What approvals need. */
export interface ApprovalDeps extends Policies {
  readonly journal: Journal;
  readonly approvalTargets: readonly ApprovalTarget[];
  /** Asked at every decision of somebody in Slack; without an answer nobody there may decide. */
  readonly people: People;
  /** For what is shown, which Slack must not be asked for every time; `people` unless given. */
  readonly recentPeople?: People;
  /** A stop set on the machine, beside the one the journal keeps. */
  readonly stopSwitch?: EmergencyStopSwitch;
  /** How a target stands to the others; each is alone where that is absent. */
  readonly neighbourhood?: (target: string) => Promise<Neighbourhood> | undefined;
  readonly clock: Clock;
  /** What waits for votes on one of these is withdrawn: they are not configured any more. */
  readonly removedTargets?: readonly string[];
  /** Whether the incident that a request was proposed in is over: then it is withdrawn. Never, unless given. */
  readonly isIncidentOver?: (request: ApprovalRequest) => Promise<boolean>;
  /** Between the end of a change and the look that tells whether it helped. */
  readonly verifyAfterMs: number;
  /** Every change of a request, and every step while it runs. Must not throw. */
  readonly onChange: (request: ApprovalRequest, progress?: StepProgress) => void;
  /** An execution that could not be recorded, or broke in an unforeseen way. Must not throw. */
  readonly onFault: (id: string, error: unknown) => void;
  /** How long the lease on a running request stands without renewal; 20 s unless given. */
  readonly leaseMs?: number;
  /** Does that every so often until the returned function is called; renews the leases. None lasts without it. */
  readonly repeat?: (everyMs: number, work: () => Promise<void>) => () => void;
}

/** One target as approvals see it. */
export interface ApprovalTarget {
  readonly name: string;
  readonly remedies: readonly Remedy[];
  /** The options as a person runs them, for what the remedies have not the means for. */
  readonly handOffs?: readonly HandOffRemedy[];
  readonly takeSnapshot: () => Promise<Snapshot>;
  /** Below this share of the usable slots the trouble is over, 0-1. */
  readonly warningUtilisation: number;
}

/** What one execution works with. */
export interface ExecutionContext
  extends
    Omit<ApprovalDeps, 'approvalTargets'>,
    Pick<ApprovalTarget, 'takeSnapshot' | 'warningUtilisation'> {
  readonly lease: Lease;
  readonly remedy: Remedy;
  /** Aborts when this process ends: the next one goes on verifying. */
  readonly signal: AbortSignal;
}

export interface Step {
  readonly state: RequestState;
  readonly change: RequestChange;
}

/** One transition of a running request, with its entry in the journal. */
export async function move(
  request: ApprovalRequest,
  { journal, onChange }: ExecutionContext,
  { state, change }: Step,
): Promise<ApprovalRequest | 'changed' | 'busy'> {
  const next = advance(request, state, change);
  const { closing, execution, result } = next;
  const entry = { request: next.id, kind: state, body: { closing, execution, result } };
  const moved = await journal.move(request.version, next, entry);
  if (moved !== 'moved') return moved;
  onChange(next);
  return next;
}

/** While it runs, a request belongs to the process that runs it; another hand on it is a fault. */
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
