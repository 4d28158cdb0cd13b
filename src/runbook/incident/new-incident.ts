import type { EscalationStep } from '../escalate/policy.ts';
import type { Severity } from '../diagnose/diagnosis.ts';
import type { Incident, Trigger } from './incident.ts';

const letters = 'abcdefghijkmnpqrstuvwxyz23456789';
/** 40 bits: enough to be its own name among all incidents a team will ever have, and short enough to be typed. */
const idLength = 8;

/** `inc-` and letters and digits that nobody mistakes for one another. */
function newIncidentId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(idLength));
  return `inc-${[...bytes].map((byte) => letters.charAt(byte % letters.length)).join('')}`;
}

interface Opening {
  readonly target: string;
  readonly at: string;
  readonly severity: Severity;
  readonly trigger: Trigger;
  readonly policy: readonly EscalationStep[];
}

export function newIncident({ target, at, severity, trigger, policy }: Opening): Incident {
  return {
    id: newIncidentId(),
    version: 1,
    state: 'open',
    target,
    openedAt: at,
    severity,
    triggers: [trigger],
    assignee: null,
    silence: null,
    first: null,
    last: null,
    peak: null,
    calmSince: null,
    closing: null,
    mergedInto: null,
    reopenedAt: [],
    policy: [...policy],
    escalations: [],
    pager: 'none',
    reportedAt: null,
    checklist: [],
    checklistAskedAt: null,
  };
}
