import { isoNow } from '../../timing.ts';
import { refuseContended } from '../approvals/refusals.ts';
import { cleanReason } from '../approvals/request.ts';
import type { Actor } from '../approvals/request.ts';
import type { Severity } from '../diagnose/diagnosis.ts';
import { done, refuse } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import { capital, durationOfMs } from '../snapshot/words.ts';
import { refuseReasonMissing } from './by-hand.ts';
import { findIncident, findReturning } from './find-and-merge.ts';
import { changeIncident, toDraft } from './incident-log.ts';
import type { Decision, IncidentDeps, Note, NoteKind } from './incident-log.ts';
import { actorName, moreSevere, newIncident } from './incident.ts';
import type { Incident, IncidentChange, Trigger } from './incident.ts';
import { addTrigger, hadItBefore, reopening } from './triggers.ts';

/** Something that says a target is in trouble. */
interface Beginning {
  readonly target: string;
  /** UTC ISO text. */
  readonly at: string;
  readonly trigger: Trigger;
  readonly severity: Severity;
  /** `DatabaseConnectionPoolExhausted fires for orders`: figures and configured names only. */
  readonly why: string;
  readonly quote?: string | null;
  readonly by?: Actor;
  readonly facts?: Note['facts'];
  /** What is remembered of the look that said so. */
  readonly observation?: Pick<IncidentChange, 'first' | 'last' | 'peak'>;
  /** True where the incident knows this already, so that nothing is to be written. */
  readonly isKnown: (incident: Incident) => boolean;
}

interface Begun {
  readonly how: 'opened' | 'reopened' | 'joined' | 'known';
  readonly incident: Incident;
}

/** Whoever loses this often against others loses against a fault. */
const mostTries = 10;
const movedOn = 'moved-on';

/**
 * Joins the open incident of a target, or the one that became a part of; else takes up the one that was over a
 * short time ago; else opens one. However many begin at once, there is one. Throws JournalUnavailable.
 */
export async function begin(ports: IncidentDeps, beginning: Beginning): Promise<Answer<Begun>> {
  for (let tries = 0; tries < mostTries; tries += 1) {
    const begun = await tryBegin(ports, beginning);
    if (begun === undefined) continue;
    if (begun.ok && begun.value.how !== 'known') ports.onChange?.(begun.value.incident);
    return begun;
  }
  return refuseContended();
}

/** Undefined when somebody was quicker, and everything is to be looked up again. */
async function tryBegin(
  ports: IncidentDeps,
  beginning: Beginning,
): Promise<Answer<Begun> | undefined> {
  const { log, clock, rules } = ports;
  const belonging = await findIncident(log, beginning.target);
  if (belonging.kind !== 'none') {
    return change(ports, belonging.incident, (incident) => join(incident, beginning));
  }
  const since = { nowMs: clock.now(), withinMs: rules.reopenWithinMs };
  const returning = await findReturning(log, beginning.target, since);
  if (returning !== undefined) {
    return change(ports, returning, (incident) => comeBack(incident, beginning));
  }
  return open(ports, beginning);
}

async function change(
  { log }: IncidentDeps,
  { id, state, version }: Incident,
  decide: (incident: Incident) => Decision,
): Promise<Answer<Begun> | undefined> {
  const changed = await changeIncident(log, id, (incident) =>
    // An incident that ended, or was taken up again, since it was found is another case.
    incident.state === state ? decide(incident) : refuse(movedOn, '', ''),
  );
  if (changed.ok) {
    const { value: incident } = changed;
    const how = state === 'open' ? 'joined' : 'reopened';
    return done({ incident, how: incident.version === version ? 'known' : how });
  }
  const { kind } = changed.refusal;
  return kind === movedOn || kind === 'another-incident' ? undefined : changed;
}

function join(incident: Incident, beginning: Beginning): Decision {
  if (beginning.isKnown(incident)) return null;
  const { severity, trigger, why } = beginning;
  const sentence = `${why}.`;
  return {
    state: 'open',
    change: {
      triggers: addTrigger(incident.triggers, trigger),
      severity: moreSevere(incident.severity, severity),
      calmSince: trigger.endedAt === null ? null : incident.calmSince,
    },
    note: toNote('incident-joined', sentence, beginning),
  };
}

function comeBack(incident: Incident, beginning: Beginning): Decision {
  if (beginning.isKnown(incident)) return null;
  const { at, severity, trigger, why, observation, quote, by } = beginning;
  const awayMs = Date.parse(at) - Date.parse(incident.closing?.at ?? at);
  const sentence = `It is back after ${durationOfMs(awayMs)}: ${why}.${hadItBefore(incident)}`;
  return {
    state: 'open',
    change: {
      ...reopening(incident, at, trigger),
      severity: moreSevere(incident.severity, severity),
      ...(observation?.last !== undefined && { last: observation.last }),
    },
    // Evidence is bounded for an incident as a whole, however often it comes back: the next looks keep theirs.
    note: toNote('incident-reopened', sentence, { quote, by }),
  };
}

async function open(
  { log, policyOf }: IncidentDeps,
  beginning: Beginning,
): Promise<Answer<Begun> | undefined> {
  const { target, at, severity, trigger, why, observation } = beginning;
  const policy = policyOf(target);
  const incident = { ...newIncident({ target, at, severity, trigger, policy }), ...observation };
  const note = toNote('incident-opened', `${why}.`, beginning);
  const opened = await log.openIncident(incident, toDraft(incident.id, note));
  return opened === 'opened' ? done({ how: 'opened', incident }) : undefined;
}

function toNote(
  kind: NoteKind,
  sentence: string,
  { quote, by, facts }: { [K in 'quote' | 'by' | 'facts']?: Beginning[K] | undefined },
): Note {
  return {
    kind,
    sentence,
    ...(quote !== undefined && { quote }),
    ...(by !== undefined && { by }),
    ...(facts !== undefined && { facts }),
  };
}

interface OpeningByHand {
  readonly target: string;
  readonly actor: Actor;
  readonly reason: string;
}

/** Opens an incident by somebody's word, or joins the open one. Everybody may: a needless one costs minutes. */
export async function openByHand(
  ports: IncidentDeps,
  { target, actor, reason }: OpeningByHand,
): Promise<Answer<Incident>> {
  if (!ports.targets.some(({ name }) => name === target)) {
    return refuse('unknown-target', 'There is no such target.', 'Name one of dbconn.yml.');
  }
  const why = cleanReason(reason);
  if (why === null) return refuseReasonMissing('An incident opened by hand');
  const at = isoNow(ports.clock);
  const begun = await begin(ports, {
    target,
    at,
    trigger: { kind: 'person', by: actor, startsAt: at, endedAt: null, reason: why },
    severity: 'warning',
    why: `${capital(actorName(actor))} says that something is wrong with ${target}`,
    quote: why,
    by: actor,
    isKnown: ({ triggers }) =>
      triggers.some(
        (known) =>
          known.kind === 'person' &&
          known.endedAt === null &&
          known.by.id === actor.id &&
          known.reason === why,
      ),
  });
  return begun.ok ? done(begun.value.incident) : begun;
}
