import type { Incident } from '../incident/incident.ts';
import { lifeStartMs, stepId } from './life.ts';
import type { Escalation, EscalationReason, EscalationStep } from './policy.ts';

interface DueAt {
  readonly nowMs: number;
  /** When this process judged the incident before; null after a start. What was not due then is due since. */
  readonly judgedAtMs: number | null;
  /** Somebody has the incident, and answers. */
  readonly isWorkedOn: boolean;
}

/**
 * The calls that have to be made now, in order: steps of the policy that fell due, and those that were begun or
 * failed and are still wanted. Nobody is called by a policy while an incident is silenced, for one that is over, or
 * for the mere age of one that is not critical. What a person asked for is made even in silence.
 */
export function findDue(
  incident: Incident,
  reasons: readonly EscalationReason[],
  at: DueAt,
): Escalation[] {
  if (incident.state !== 'open') return [];
  const byHand = incident.escalations.filter(
    ({ by, state, dueAt }) =>
      by !== null && state !== 'sent' && Date.parse(dueAt) >= lifeStartMs(incident),
  );
  if (isSilenced(incident, at.nowMs)) return byHand;
  const steps = incident.policy.flatMap((step, index) => {
    const due = toDue(incident, { step, id: stepId(index, incident), reasons }, at);
    return due === null ? [] : [due];
  });
  return [...steps, ...byHand].toSorted((a, b) => Date.parse(a.dueAt) - Date.parse(b.dueAt));
}

export function isSilenced({ silence }: Pick<Incident, 'silence'>, nowMs: number): boolean {
  return silence !== null && Date.parse(silence.until) > nowMs;
}

interface Candidate {
  readonly step: EscalationStep;
  readonly id: string;
  readonly reasons: readonly EscalationReason[];
}

function toDue(incident: Incident, { step, id, reasons }: Candidate, at: DueAt): Escalation | null {
  const begun = incident.escalations.find((escalation) => escalation.id === id);
  const isSkipped = step.unlessAssigned && at.isWorkedOn;
  if (begun?.state === 'sent' || isSkipped) return null;
  if (begun !== undefined) return begun;
  const scheduledMs = lifeStartMs(incident) + step.afterMs;
  const holding = reasons.filter(({ name }) => step.when.includes(name));
  // The age of an incident alone wakes nobody unless it is critical: it stands in the channel for whoever looks.
  const holds = step.when.length === 0 ? incident.severity === 'critical' : holding.length > 0;
  if (!holds || scheduledMs > at.nowMs) return null;
  return {
    id,
    who: step.who,
    via: 'channel',
    dueAt: new Date(dueSince(incident, step, at)).toISOString(),
    state: 'sending',
    sentAt: null,
    tries: 0,
    reasons: [...reasons],
    by: null,
    quote: null,
  };
}

/** A step that waited for a reason, a silence or somebody's answer is not late: it is due since that ended. */
function dueSince(incident: Incident, { afterMs, when }: EscalationStep, at: DueAt): number {
  const { nowMs, judgedAtMs } = at;
  const scheduledMs = lifeStartMs(incident) + afterMs;
  if (judgedAtMs === null && when.length > 0) return nowMs;
  const silencedUntilMs = Date.parse(incident.silence?.until ?? incident.openedAt);
  return Math.min(nowMs, Math.max(scheduledMs, judgedAtMs ?? scheduledMs, silencedUntilMs));
}
