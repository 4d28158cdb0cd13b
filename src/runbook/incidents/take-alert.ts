import { isoNow } from '../../timing.ts';
import { done } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import { cleanUntrusted } from '../snapshot/redaction/redact-text.ts';
import { hasEnded, keepEnd, placeAlert, ruleNameOf, severityOf } from './alert.ts';
import type { Alert, AlertOutcome } from './alert.ts';
import { changeIncident } from './change.ts';
import type { Decision } from './change.ts';
import { findIncident } from './find-and-merge.ts';
import type { IncidentDeps } from './incident-log.ts';
import type { Incident, Trigger } from './incident.ts';
import type { CheckMemory } from './observation.ts';
import { begin } from './open.ts';
import { addTrigger, endAlert, findFiring, firingAlerts } from './triggers.ts';
import type { UnplacedAlerts } from './unplaced-alerts.ts';

type AlertTrigger = Extract<Trigger, { kind: 'alert' }>;

/** Alertmanager repeats a firing for hours; an incident that ended that long ago may still know it. */
const incidentsSearched = 10;

/** One for each target in trouble, and as many that are over. */
const countingSearched = 200;

/** Alertmanager's are 16 hexadecimal digits. */
const longestFingerprint = 64;
const longestTime = 40;

/** One alert, told for the first time or the hundredth. Throws JournalUnavailable. */
export async function takeAlert(
  ports: IncidentDeps & { readonly unplaced: UnplacedAlerts },
  memory: CheckMemory,
  alert: Alert,
): Promise<Answer<AlertOutcome>> {
  const rule = ports.rules.alerts.get(ruleNameOf(alert));
  if (rule === undefined) return done({ kind: 'ignored' });
  const target = placeAlert(alert.labels, ports.targets);
  if (target === undefined) {
    if (alert.status === 'resolved') return done({ kind: 'ignored' });
    await ports.unplaced.tell(alert);
    return done({ kind: 'unplaced' });
  }
  const trigger = toTrigger(alert, isoNow(ports.clock));
  const told = severityOf(alert);
  const knowing = await findKnowing(ports, target.name, trigger);
  if (alert.status === 'resolved')
    return end(ports, { trigger, knowing, target: target.name, memory });
  if (knowing !== undefined) return done({ kind: 'known', incident: knowing.id });
  if (await hasEnded(ports.log, trigger)) return done({ kind: 'ignored' });
  const begun = await begin(ports, {
    target: target.name,
    at: isoNow(ports.clock),
    trigger,
    severity: told === 'unknown' || told === undefined ? rule : told,
    why: `${nameOf(alert)} fires for ${target.name}`,
    facts: { alert: { ...trigger } },
    isKnown: (incident) => findFiring(incident, trigger) !== undefined,
  });
  if (!begun.ok) return begun;
  const { how, incident } = begun.value;
  // Its end was told in this very moment, and found no incident to be told to.
  if (how !== 'known' && (await hasEnded(ports.log, trigger))) {
    const endedAt = isoNow(ports.clock);
    await end(ports, {
      trigger: { ...trigger, endedAt },
      knowing: incident,
      target: target.name,
      memory,
    });
  }
  return done({ kind: how === 'reopened' ? 'opened' : how, incident: incident.id });
}

function toTrigger(alert: Alert, now: string): AlertTrigger {
  return {
    kind: 'alert',
    name: alert.name,
    fingerprint: cleanUntrusted(alert.fingerprint, longestFingerprint),
    startsAt: cleanUntrusted(alert.startsAt, longestTime),
    endedAt: alert.status === 'firing' ? null : cleanUntrusted(alert.endsAt ?? now, longestTime),
  };
}

/** The rule's name is one of those configured, so it may be said. */
function nameOf(alert: Alert): string {
  const rule = ruleNameOf(alert);
  return rule === alert.name ? rule : `${alert.name} of ${rule}`;
}

/** The incident that knows this firing already, be it over. */
async function findKnowing(
  { log }: IncidentDeps,
  target: string,
  trigger: AlertTrigger,
): Promise<Incident | undefined> {
  const belonging = await findIncident(log, target);
  const knows = (incident: Incident): boolean => findFiring(incident, trigger) !== undefined;
  if (belonging.kind !== 'none' && knows(belonging.incident)) return belonging.incident;
  // What a merged one knows was taken over by the incident it became a part of.
  const states = ['resolved'] as const;
  return (await log.listIncidents({ states, target, limit: incidentsSearched })).find(knows);
}

interface Ending {
  readonly target: string;
  readonly trigger: AlertTrigger;
  readonly knowing: Incident | undefined;
  readonly memory: CheckMemory;
}

/** Ends a firing. One whose beginning was never told is kept as ended, for that may still come. */
async function end(
  ports: IncidentDeps,
  { target, trigger, knowing, memory }: Ending,
): Promise<Answer<AlertOutcome>> {
  const belonging = await findIncident(ports.log, target);
  const incident =
    knowing ??
    (belonging.kind === 'none' ? await findCounting(ports, trigger) : belonging.incident);
  if (incident === undefined) return endUnknown(ports, { target, trigger, knowing, memory });
  const latest = memory.recent(incident.target, ports.clock.now())?.sentence;
  const changed = await changeIncident(ports, incident.id, (now) =>
    endFiring(now, trigger, latest),
  );
  if (!changed.ok) return changed;
  const { id, version } = changed.value;
  const next = await findCounting(ports, trigger);
  if (next !== undefined) return end(ports, { target, trigger, knowing: next, memory });
  return done({ kind: version === incident.version ? 'known' : 'joined', incident: id });
}

/**
 * Another incident that still counts this firing: one that became a part of another gave it the firing. Each is told of
 * the end, those that are over as well: one that is taken up again would never be over.
 */
async function findCounting(
  { log }: IncidentDeps,
  trigger: AlertTrigger,
): Promise<Incident | undefined> {
  const counts = (incident: Incident): boolean => findFiring(incident, trigger)?.endedAt === null;
  const open = await log.listIncidents({ states: ['open'], limit: countingSearched });
  const states = ['merged', 'resolved'] as const;
  return (
    open.find(counts) ?? (await log.listIncidents({ states, limit: countingSearched })).find(counts)
  );
}

/** Its beginning may have been told in this very moment, so it is searched for once more after the end was kept. */
async function endUnknown(ports: IncidentDeps, ending: Ending): Promise<Answer<AlertOutcome>> {
  await keepEnd(ports.log, ending.trigger);
  const { target, trigger } = ending;
  const knowing =
    (await findKnowing(ports, target, trigger)) ?? (await findCounting(ports, trigger));
  return knowing === undefined ? done({ kind: 'ignored' }) : end(ports, { ...ending, knowing });
}

function endFiring(
  incident: Incident,
  trigger: AlertTrigger,
  latest: string | undefined,
): Decision {
  const firing = findFiring(incident, trigger);
  if (firing === undefined && incident.state !== 'open') return null;
  if (firing !== undefined && firing.endedAt !== null) return null;
  const triggers =
    firing === undefined
      ? addTrigger(incident.triggers, trigger)
      : endAlert(incident.triggers, firing, trigger.endedAt ?? trigger.startsAt);
  const stillFires = firingAlerts({ triggers }).length > 0;
  const sentence =
    incident.state !== 'open' || firing === undefined
      ? null
      : `${trigger.name} is resolved${stillFires ? ', but another alert still fires' : disagreement(incident, latest)}.`;
  return {
    state: incident.state,
    change: { triggers },
    note: { kind: 'incident-alert-ended', sentence, facts: { alert: { ...trigger } } },
  };
}

/** An exporter that is locked out makes its alert vanish in the middle of the outage: only checks are believed. */
function disagreement({ calmSince, last }: Incident, latest: string | undefined): string {
  if (calmSince !== null) return ', and checks agree so far';
  const headline = latest ?? last?.headline;
  if (headline === undefined) return '. The incident stays open until checks agree';
  return `, but the last check is not fine: ${headline.replace(/\.$/, '')}. The incident stays open`;
}
