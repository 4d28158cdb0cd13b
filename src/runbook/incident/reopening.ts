import type { Incident, IncidentChange, Trigger } from './incident.ts';
import { addTrigger } from './triggers.ts';
import { actorName } from './actor-name.ts';

/**
 * An incident that is over and comes back. Who had it is history: nobody may lie in bed because somebody had it an
 * hour ago. Calls that were made stay for the report; each life of an incident makes its own. Its
 * report is written anew. What the pager was told stands: a page that nobody could end before is ended with this life.
 */
export function reopening(incident: Incident, at: string, trigger: Trigger): IncidentChange {
  return {
    triggers: addTrigger(incident.triggers, trigger),
    reopenedAt: [...incident.reopenedAt, at],
    closing: null,
    calmSince: null,
    mergedInto: null,
    assignee: null,
    // Its end lies on another clock, which was set back since: nobody knows whether it is over, and people are called.
    ...(at < (incident.closing?.at ?? at) && { silence: null }),
    reportedAt: null,
    checklistAskedAt: null,
  };
}

/** ` <@U1> had it before.`, or nothing. */
export function hadItBefore({ assignee }: Pick<Incident, 'assignee'>): string {
  return assignee === null ? '' : ` ${actorName(assignee.by)} had it before.`;
}
