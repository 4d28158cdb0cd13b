import type { Incident } from '../../src/runbook/incidents/incident.ts';

/** An open incident that nobody has looked at yet. */
export function buildIncident(change: Partial<Incident> = {}): Incident {
  return {
    id: 'inc-0abc1234',
    version: 1,
    state: 'open',
    target: 'shop',
    openedAt: '2026-11-23T03:00:00.000Z',
    severity: 'critical',
    triggers: [],
    assignee: null,
    silence: null,
    first: null,
    last: null,
    peak: null,
    calmSince: null,
    closing: null,
    mergedInto: null,
    reopenedAt: [],
    policy: [],
    escalations: [],
    pager: 'none',
    reportedAt: null,
    checklist: [],
    checklistAskedAt: null,
    ...change,
  };
}
