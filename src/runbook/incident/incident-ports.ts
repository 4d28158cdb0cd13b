import type { EscalationStep } from '../escalate/policy.ts';
import type { Clock, Journal } from '../snapshot/ports.ts';
import type { IncidentLog } from '../ports/incident-log.ts';
import type { LiveNotice } from '../ports/live-notice.ts';
import type { People } from '../ports/people.ts';
import type { Target } from '../snapshot/target.ts';
import type { Incident } from './incident.ts';
import type { IncidentRules } from './rules.ts';

/** What the incidents need. */
export interface IncidentDeps {
  readonly log: IncidentLog & Pick<Journal, 'record'>;
  readonly clock: Clock;
  readonly targets: readonly Target[];
  readonly rules: IncidentRules;
  /** Whom an incident of that target calls; frozen into it when it opens. */
  readonly policyOf: (target: string) => readonly EscalationStep[];
  /** Asked at every decision of somebody in Slack. Without it nobody there can be looked up, and may only look. */
  readonly people?: People;
  /** Where alerts that fit no target are told, and in which channel. */
  readonly notice?: LiveNotice;
  readonly channel?: string;
  /** How often that message is edited at most; every 10 s unless given. */
  readonly noticeEveryMs?: number;
  /** Every change of an incident that was made here. Must not throw. */
  readonly onChange?: (incident: Incident) => void;
  /** What went wrong behind an answer that was already given. Must not throw. */
  readonly onFault?: (about: string, error: unknown) => void;
}
