import type { Actor, ApprovalRequest } from '../approvals/request.ts';
import type { Diagnosis } from '../diagnose/diagnosis.ts';
import type { TargetCheck } from '../diagnose/evidence.ts';
import type { Answer } from '../remedies/remedy.ts';
import type { Alert, AlertOutcome } from './alert.ts';
import type { ChecklistItem } from './checklist.ts';
import type { Incident } from './incident.ts';
import type { Ineffective } from './ineffective-remedies.ts';
import type { EscalationRequest } from './rules.ts';

/**
 * The one door to incidents. Webhook, watch, slash command, button and timer all come through here. Every method
 * only writes to the journal and answers at once; what follows from it (looks, messages, calls) is done by whoever
 * tends the incidents. What cannot be recorded did not happen: that is a refusal.
 */
export interface Incidents {
  /** Idempotent: the same firing told twice changes nothing the second time. */
  alert(alert: Alert): Promise<Answer<AlertOutcome>>;
  /** What a look of the watch, or anybody's look, means for the target's incident: opens, updates or resolves it. */
  observe(targetCheck: TargetCheck): Promise<Answer<Incident | null>>;
  /** A request on a target changed. Kept in the timeline of the target's open incident. Repeats do nothing. */
  requestChanged(request: ApprovalRequest): Promise<void>;
  /** By hand; joins the open one. */
  open(target: string, actor: Actor, reason: string): Promise<Answer<Incident>>;
  /** "I have it". Taking it from somebody else is allowed, and said. */
  assign(id: string, actor: Actor): Promise<Answer<Incident>>;
  silence(id: string, actor: Actor, silence: Silence): Promise<Answer<Incident>>;
  unsilence(id: string, actor: Actor): Promise<Answer<Incident>>;
  /** `id` becomes a part of `into`; both are open. */
  merge(id: string, into: string, actor: Actor): Promise<Answer<Incident>>;
  /** Refused while the last look says critical: silence it instead. */
  resolve(id: string, actor: Actor, reason: string): Promise<Answer<Incident>>;
  reopen(id: string, actor: Actor, reason: string): Promise<Answer<Incident>>;
  /** Calls for help by hand, on top of the policy. */
  escalate(id: string, actor: Actor, ask: EscalationRequest): Promise<Answer<Incident>>;
  tick(id: string, actor: Actor, item: ChecklistItem): Promise<Answer<Incident>>;
  get(id: string): Promise<Answer<Incident>>;
  /** The open incident of a target, or null. */
  current(target: string): Promise<Answer<Incident | null>>;
  /** Open ones, newest first. */
  list(): Promise<Answer<readonly Incident[]>>;
  /** All, newest first, at most 50. */
  history(target?: string): Promise<Answer<readonly Incident[]>>;
}

export interface Silence {
  /** At most a week. */
  readonly forMs: number;
  readonly reason: string;
}

/** Everything the live message of an incident shows. */
export interface IncidentView {
  readonly incident: Incident;
  /** The latest look; null before the first one after a start. */
  readonly diagnosis: Diagnosis | null;
  /** Of its target since it opened, oldest first. */
  readonly requests: readonly ApprovalRequest[];
  /** Remedies that were tried and did not help: their buttons are withdrawn. */
  readonly ineffective: readonly Ineffective[];
}
