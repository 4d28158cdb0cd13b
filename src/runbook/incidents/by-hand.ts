import { isoNow } from '../../timing.ts';
import { checkMembership, nobodyKnown } from '../approvals/people.ts';
import type { People } from '../approvals/people.ts';
import { cleanReason } from '../approvals/request.ts';
import type { Actor } from '../approvals/request.ts';
import { done, refuse } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import { capital } from '../snapshot/words.ts';
import { checklist } from './checklist.ts';
import type { ChecklistItem } from './checklist.ts';
import { changeIncident } from './incident-log.ts';
import type { Decision, IncidentDeps, IncidentLog } from './incident-log.ts';
import { actorName } from './incident.ts';
import type { Incident } from './incident.ts';
import type { Escalation, EscalationRequest, EscalationRole } from './rules.ts';

/**
 * Whether somebody may change what others rely on: who has an incident, its silence, its end. Full members of the
 * workspace may, looked up anew; guests, bots, people of other workspaces and whoever cannot be looked up may look.
 * The terminal proves nobody's name. Opening an incident and calling for help are for everybody.
 */
export async function mayDecide(people: People | undefined, actor: Actor): Promise<Answer<null>> {
  if (actor.via === 'timer') return done(null);
  if (actor.via === 'terminal') {
    const why = 'The terminal does not prove who you are: it may look, open incidents and call.';
    return refuse('terminal', why, 'Do it in Slack.');
  }
  const { id } = actor;
  const standing = await checkMembership(people ?? nobodyKnown, id, [id]);
  return standing.kind === 'refused' ? { ok: false, refusal: standing.refusal } : done(null);
}

/** What any change needs. */
export interface ChangePorts extends Pick<IncidentDeps, 'clock' | 'onChange'> {
  readonly log: Pick<IncidentLog, 'readIncident' | 'moveIncident'>;
}

/** A change somebody asked for. */
interface ByHand {
  readonly id: string;
  readonly actor: Actor;
  readonly decide: (incident: Incident, at: string) => Decision;
}

/** Asks whether this person may, then changes the incident. Throws JournalUnavailable. */
export async function actByHand(
  ports: IncidentDeps,
  { id, actor, decide }: ByHand,
): Promise<Answer<Incident>> {
  const allowed = await mayDecide(ports.people, actor);
  return allowed.ok ? change(ports, id, decide) : allowed;
}

/** The same for what everybody may. */
export async function change(
  { log, clock, onChange }: ChangePorts,
  id: string,
  decide: ByHand['decide'],
): Promise<Answer<Incident>> {
  let before = 0;
  const changed = await changeIncident(log, id, (incident) => {
    before = incident.version;
    return decide(incident, isoNow(clock));
  });
  if (changed.ok && changed.value.version !== before) onChange?.(changed.value);
  return changed;
}

/** For what only an open incident can be asked. */
export function refuseNotOpen({ state, mergedInto }: Incident): ReturnType<typeof refuse> {
  return state === 'merged'
    ? refuse('merged', `This one became a part of ${mergedInto ?? 'another'}.`, 'Go on there.')
    : refuse('resolved', 'This incident is over.', 'Reopen it, if the trouble is back.');
}

export function refuseReasonMissing(what: string): ReturnType<typeof refuse> {
  return refuse('reason-missing', `${what} needs a reason.`, 'Say it again with a reason.');
}

/** "I have it". */
export function assign(ports: IncidentDeps, id: string, actor: Actor): Promise<Answer<Incident>> {
  return actByHand(ports, {
    id,
    actor,
    decide: (incident, at) => {
      if (incident.state !== 'open') return refuseNotOpen(incident);
      const before = incident.assignee?.by;
      if (before !== undefined && before.id === actor.id && before.via === actor.via) return null;
      const taken = before === undefined ? 'has it' : `has it now, after ${actorName(before)}`;
      const sentence = `${actorName(actor)} ${taken}.`;
      return {
        state: 'open',
        change: { assignee: { by: actor, at } },
        note: { kind: 'incident-assigned', sentence, by: actor },
      };
    },
  });
}

/** More calls than these wake nobody who is not awake. */
const mostCalls = 30;

interface Call {
  readonly id: string;
  readonly actor: Actor;
  readonly ask: EscalationRequest;
}

/** Notes down that somebody calls for help; whoever tends the incidents sends it. Everybody may. */
export async function requestEscalation(
  ports: IncidentDeps,
  { id, actor, ask }: Call,
): Promise<Answer<Incident>> {
  const quote = cleanReason(ask.reason);
  if (quote === null) return refuseReasonMissing('A call for help');
  return change(ports, id, (incident, at) => {
    if (incident.state !== 'open') return refuseNotOpen(incident);
    const calls = incident.escalations.filter(({ by }) => by !== null).length;
    if (calls >= mostCalls) {
      return refuse('too-many', 'Too many calls were made already.', 'Call by telephone.');
    }
    const escalation: Escalation = {
      // The version makes it another one each time, also after the incident came back.
      id: `hand-${incident.version}`,
      who: ask.role,
      via: 'channel',
      dueAt: at,
      state: 'sending',
      sentAt: null,
      tries: 0,
      reasons: [],
      by: actor,
      quote,
    };
    const sentence = `${capital(actorName(actor))} calls ${names[ask.role]}.`;
    return {
      state: 'open',
      change: { escalations: [...incident.escalations, escalation] },
      note: {
        kind: 'incident-escalating',
        sentence,
        quote,
        by: actor,
        facts: { step: escalation.id },
      },
    };
  });
}

const names: Readonly<Record<EscalationRole, string>> = {
  'database-admins': 'the database admins',
  'backend-lead': 'the backend lead',
  'on-call': 'whoever is on call',
};

interface Ticking {
  readonly id: string;
  readonly actor: Actor;
  readonly item: ChecklistItem;
}

/** Somebody did an item of the post-incident checklist. The first one to say so is kept. */
export function tick(ports: IncidentDeps, { id, actor, item }: Ticking): Promise<Answer<Incident>> {
  return actByHand(ports, {
    id,
    actor,
    decide: (incident, at) => {
      if (incident.checklist.some((ticked) => ticked.item === item)) return null;
      const title = checklist.find((known) => known.id === item)?.title ?? item;
      const sentence = `${actorName(actor)} did: ${title}.`;
      return {
        state: incident.state,
        change: { checklist: [...incident.checklist, { item, by: actor, at }] },
        note: { kind: 'incident-ticked', sentence, by: actor },
      };
    },
  });
}
