import { actorName } from './incident.ts';
import type { Incident, IncidentChange, Trigger } from './incident.ts';

type AlertTrigger = Extract<Trigger, { kind: 'alert' }>;

/** More would let an incident grow with every flap of an alert. */
const mostTriggers = 50;

/** The firing that an alert tells of, if this incident knows it. Fingerprint and start together name one firing. */
export function findFiring(
  { triggers }: Pick<Incident, 'triggers'>,
  { fingerprint, startsAt }: Pick<AlertTrigger, 'fingerprint' | 'startsAt'>,
): AlertTrigger | undefined {
  return alertTriggers(triggers).find(
    (known) => known.fingerprint === fingerprint && known.startsAt === startsAt,
  );
}

export function alertTriggers(triggers: readonly Trigger[]): AlertTrigger[] {
  return triggers.filter((trigger) => trigger.kind === 'alert');
}

/** Alerts that still fire, as far as Alertmanager said. */
export function firingAlerts({ triggers }: Pick<Incident, 'triggers'>): AlertTrigger[] {
  return alertTriggers(triggers).filter(({ endedAt }) => endedAt === null);
}

export function hasActive(
  { triggers }: Pick<Incident, 'triggers'>,
  kind: Trigger['kind'],
): boolean {
  return triggers.some((trigger) => trigger.kind === kind && trigger.endedAt === null);
}

/** In the order they began, so that alerts told in another order make the same incident. */
export function addTrigger(triggers: readonly Trigger[], added: Trigger): Trigger[] {
  const sorted = [...triggers, added].toSorted((a, b) => compare(sortKey(a), sortKey(b)));
  const all = sorted.map((trigger) => endByLater(trigger, sorted));
  if (all.length <= mostTriggers) return all;
  // What still fires is worth more than what ended; among the ended the oldest go.
  const forgotten = all.find(({ endedAt }) => endedAt !== null) ?? added;
  return all.filter((trigger) => trigger !== forgotten);
}

/**
 * A fingerprint fires once at a time: one that began again shows that it had ended before. Alertmanager forgets to say
 * so when it is started again, and an alert that nobody ends would keep its incident open for ever.
 */
function endByLater(trigger: Trigger, all: readonly Trigger[]): Trigger {
  if (trigger.kind !== 'alert' || trigger.endedAt !== null) return trigger;
  const { fingerprint, startsAt } = trigger;
  const later = alertTriggers(all).find(
    (other) =>
      other.fingerprint === fingerprint && Date.parse(other.startsAt) > Date.parse(startsAt),
  );
  return later === undefined ? trigger : { ...trigger, endedAt: later.startsAt };
}

export function endAlert(
  triggers: readonly Trigger[],
  firing: AlertTrigger,
  endedAt: string,
): Trigger[] {
  return triggers.map((trigger) => (trigger === firing ? { ...firing, endedAt } : trigger));
}

/** The watch's word and people's end with the incident; Alertmanager's own end when it says so. */
export function endOthers(triggers: readonly Trigger[], endedAt: string): Trigger[] {
  return triggers.map((trigger) =>
    trigger.kind === 'alert' || trigger.endedAt !== null ? trigger : { ...trigger, endedAt },
  );
}

function sortKey(trigger: Trigger): string {
  const more = trigger.kind === 'alert' ? `${trigger.fingerprint} ${trigger.name}` : '';
  return `${trigger.startsAt} ${trigger.kind} ${more}`;
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/**
 * An incident that is over and comes back. Who had it is history: nobody may sleep on because somebody had it an
 * hour ago. Calls that were made stay for the report; each life of an incident makes its own. Its
 * report is written again. What the pager was told stands: a page that nobody could end before is ended with this life.
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

/** ` Previous owner: <@U1>.`, or nothing. */
export function ownerBefore({ assignee }: Pick<Incident, 'assignee'>): string {
  return assignee === null ? '' : ` Previous owner: ${actorName(assignee.by)}.`;
}
