import type { Snapshot } from '../snapshot/snapshot.ts';
import type { Clock, Journal } from '../snapshot/ports.ts';
import type { HandOffRemedy } from '../remedies/by-hand/create-hand-off.ts';
import type { Remedy, StepProgress } from '../remedies/remedy.ts';
import type { EmergencyStopSwitch } from '../ports/brake.ts';
import type { People } from '../ports/people.ts';
import type { Neighbourhood } from '../ports/neighbours.ts';
import type { Policy } from '../approvals/policy.ts';
import type { ApprovalRequest } from './request.ts';

/** What the door needs. */
export interface ApprovalDeps {
  readonly journal: Journal;
  readonly approvalTargets: readonly ApprovalTarget[];
  readonly policy: Policy;
  /** Asked at every decision of somebody in Slack; without an answer nobody there may decide. */
  readonly people: People;
  /** For what is shown, which Slack must not be asked for every time; `people` unless given. */
  readonly recentPeople?: People;
  /** A stop set on the machine, beside the one the journal keeps. */
  readonly stopSwitch?: EmergencyStopSwitch;
  /** How a target stands to the others; each is alone where that is absent. */
  readonly neighbourhood?: (target: string) => Promise<Neighbourhood> | undefined;
  readonly clock: Clock;
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

/** One target as the door sees it. */
export interface ApprovalTarget {
  readonly name: string;
  readonly remedies: readonly Remedy[];
  /** The options as a person runs them, for what the remedies have not the means for. */
  readonly handOffs?: readonly HandOffRemedy[];
  readonly takeSnapshot: () => Promise<Snapshot>;
  /** Below this share of the usable slots the trouble is over, 0-1. */
  readonly warningUtilisation: number;
}
