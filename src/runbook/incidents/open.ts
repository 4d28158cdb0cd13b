import { isoNow } from '../../timing.ts';
import { refuseContended } from '../approvals/refusals.ts';
import type { Actor } from '../approvals/request.ts';
import type { Severity } from '../diagnose/diagnosis.ts';
import { done, refuse } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import { capital, durationOfMs } from '../snapshot/words.ts';
import { changeFound, untilQuick } from './change.ts';
import type { Decision } from './change.ts';
import { withReason } from './decisions.ts';
import { findIncident, findReturning } from './find-and-merge.ts';
import { toDraft } from './incident-log.ts';
import type { IncidentDeps, Note, NoteKind } from './incident-log.ts';
import { actorName, moreSevere, newIncident } from './incident.ts';
import type { Incident, IncidentChange, Trigger } from './incident.ts';
import { addTrigger, ownerBefore, reopening } from './triggers.ts';

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
  /** What is remembered of the check that said so. */
  readonly observation?: Pick<IncidentChange, 'first' | 'last' | 'peak'>;
  /** True where the incident knows this already, so that nothing is to be written. */
  readonly isKnown: (incident: Incident) => boolean;
}

interface Begun {
  readonly how: 'opened' | 'reopened' | 'joined' | 'known';
  readonly incident: Incident;
}

/**
 * Joins the open incident of a target, or the one that became a part of; else takes up the one that was over a
 * short time ago; else opens one. However many begin at once, there is one. Throws JournalUnavailable.
 */
export async function begin(deps: IncidentDeps, beginning: Beginning): Promise<Answer<Begun>> {
  const { log, clock, rules } = deps;
  const { target } = beginning;
  // Whenever somebody was quicker everything is looked up again: it may have ended, or been taken up, since.
  const begun = await untilQuick(async () => {
    const belonging = await findIncident(log, target);
    if (belonging.kind !== 'none') return takeUp(deps, belonging.incident, beginning);
    const since = { nowMs: clock.now(), withinMs: rules.reopenWithinMs };
    const returning = await findReturning(log, target, since);
    return returning === undefined ? open(deps, beginning) : takeUp(deps, returning, beginning);
  });
  return begun === 'changed' ? refuseContended() : begun;
}

async function takeUp(
  deps: IncidentDeps,
  found: Incident,
  beginning: Beginning,
): Promise<Answer<Begun> | 'changed'> {
  const isOpen = found.state === 'open';
  if (beginning.isKnown(found)) return done({ incident: found, how: 'known' });
  const decision = isOpen ? join(found, beginning) : comeBack(found, beginning);
  const changed = await changeFound(deps, found, decision);
  if (changed === 'changed' || changed === 'busy') return 'changed';
  if (!changed.ok) return changed;
  return done({ incident: changed.value, how: isOpen ? 'joined' : 'reopened' });
}

function join(incident: Incident, beginning: Beginning): Decision {
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
  const { at, severity, trigger, why, observation, quote, by } = beginning;
  const awayMs = Date.parse(at) - Date.parse(incident.closing?.at ?? at);
  const sentence = `Reopened after ${durationOfMs(awayMs)}: ${why}.${ownerBefore(incident)}`;
  return {
    state: 'open',
    change: {
      ...reopening(incident, at, trigger),
      severity: moreSevere(incident.severity, severity),
      ...(observation?.last !== undefined && { last: observation.last }),
    },
    // Evidence is bounded for an incident as a whole, however often it comes back: the next checks keep theirs.
    note: toNote('incident-reopened', sentence, { quote, by }),
  };
}

async function open(
  { log, policyOf, onChange }: IncidentDeps,
  beginning: Beginning,
): Promise<Answer<Begun> | 'changed'> {
  const { target, at, severity, trigger, why, observation } = beginning;
  const policy = policyOf(target);
  const incident = { ...newIncident({ target, at, severity, trigger, policy }), ...observation };
  const note = toNote('incident-opened', `${why}.`, beginning);
  const opened = await log.openIncident(incident, toDraft(incident.id, note));
  if (opened === 'busy') return 'changed';
  onChange?.(incident);
  return done({ how: 'opened', incident });
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
    return refuse(
      'unknown-target',
      'This target is not configured.',
      'Use a name from dbconn.yml.',
    );
  }
  return withReason('Opening an incident', reason, async (why) => {
    const begun = await begin(ports, byPerson({ target, actor, reason: why }, isoNow(ports.clock)));
    return begun.ok ? done(begun.value.incident) : begun;
  });
}

function byPerson({ target, actor, reason }: OpeningByHand, at: string): Beginning {
  return {
    target,
    at,
    trigger: { kind: 'person', by: actor, startsAt: at, endedAt: null, reason },
    severity: 'warning',
    why: `${capital(actorName(actor))} reported a problem with ${target}`,
    quote: reason,
    by: actor,
    isKnown: ({ triggers }) =>
      triggers.some(
        (known) =>
          known.kind === 'person' &&
          known.endedAt === null &&
          known.by.id === actor.id &&
          known.reason === reason,
      ),
  };
}
