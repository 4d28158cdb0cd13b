import { checkMembership, nobodyKnown } from '../approvals/people.ts';
import type { People } from '../approvals/people.ts';
import { cleanReason } from '../approvals/request.ts';
import type { Actor } from '../approvals/request.ts';
import { done, refuse } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import { capital, durationOfMs } from '../snapshot/words.ts';
import type { Decision } from './change.ts';
import { actorName, checklist } from './incident.ts';
import type { ChecklistItem, Incident } from './incident.ts';
import type { CheckMemory, LatestCheck } from './observation.ts';
import { roleNames } from './rules.ts';
import type { Escalation, EscalationRole } from './rules.ts';
import { endOthers, ownerBefore, reopening } from './triggers.ts';

/** What somebody decides about an incident, from the incident as it stands at that moment. */
export type Decide = (incident: Incident, at: string) => Decision;

/** Who said so, and why in their words. */
interface Said {
  readonly by: Actor;
  readonly why: string;
}

/**
 * Whether somebody may change what others rely on: who has an incident, its silence, its end. Full members of the
 * workspace may, looked up again; guests, bots, people of other workspaces and people who cannot be looked up may only read.
 * The terminal proves nobody's name. Opening an incident and calling for help are for everybody.
 */
export async function mayDecide(people: People | undefined, actor: Actor): Promise<Answer<null>> {
  if (actor.via === 'timer') return done(null);
  if (actor.via === 'terminal') {
    const why = 'The terminal cannot prove who you are, so this is not possible here.';
    return refuse('terminal', why, 'Do it in Slack.');
  }
  const { id } = actor;
  const standing = await checkMembership(people ?? nobodyKnown, id, [id]);
  return standing.kind === 'refused' ? { ok: false, refusal: standing.refusal } : done(null);
}

/** The decision with the reason that it needs, cleaned. */
export async function withReason<T>(
  what: string,
  reason: string,
  decide: (why: string) => Promise<Answer<T>>,
): Promise<Answer<T>> {
  const why = cleanReason(reason);
  if (why !== null) return decide(why);
  return refuse('reason-missing', `${what} needs a reason.`, 'Add a reason and try again.');
}

/** For what only an open incident can be asked. */
export function refuseNotOpen({ state, mergedInto }: Incident): ReturnType<typeof refuse> {
  return state === 'merged'
    ? refuse(
        'merged',
        `This incident was merged into ${mergedInto ?? 'another one'}.`,
        'Continue there.',
      )
    : refuse('resolved', 'This incident is resolved.', 'Reopen it if the problem is back.');
}

/** Acknowledges: makes somebody the owner. */
export function assign(actor: Actor): Decide {
  return (incident, at) => {
    if (incident.state !== 'open') return refuseNotOpen(incident);
    const before = incident.assignee?.by;
    if (before !== undefined && before.id === actor.id && before.via === actor.via) return null;
    const taken = before === undefined ? 'acknowledged it' : `took over from ${actorName(before)}`;
    const sentence = `${actorName(actor)} ${taken}.`;
    return {
      state: 'open',
      change: { assignee: { by: actor, at } },
      note: { kind: 'incident-assigned', sentence, by: actor },
    };
  };
}

/** More calls than these wake nobody who is not awake. */
const mostCalls = 30;

/** Notes down that somebody escalates; the leader sends it. */
export function escalate(role: EscalationRole, { by, why: quote }: Said): Decide {
  return (incident, at) => {
    if (incident.state !== 'open') return refuseNotOpen(incident);
    const calls = incident.escalations.filter((known) => known.by !== null).length;
    if (calls >= mostCalls) {
      return refuse('too-many', 'This incident was escalated too often already.', 'Call by phone.');
    }
    const escalation: Escalation = {
      // The version makes it another one each time, also after the incident came back.
      id: `hand-${incident.version}`,
      who: role,
      via: 'channel',
      dueAt: at,
      state: 'sending',
      sentAt: null,
      tries: 0,
      reasons: [],
      by,
      quote,
    };
    const sentence = `${capital(actorName(by))} escalated to ${roleNames[role]}.`;
    const facts = { step: escalation.id };
    return {
      state: 'open',
      change: { escalations: [...incident.escalations, escalation] },
      note: { kind: 'incident-escalating', sentence, quote, by, facts },
    };
  };
}

/** Somebody did an item of the post-incident checklist. The first one to say so is kept. */
export function tick(item: ChecklistItem, actor: Actor): Decide {
  return ({ state, checklist: ticked }, at) => {
    if (ticked.some((known) => known.item === item)) return null;
    const title = checklist.find((known) => known.id === item)?.title ?? item;
    const sentence = `${actorName(actor)} completed: ${title}.`;
    return {
      state,
      change: { checklist: [...ticked, { item, by: actor, at }] },
      note: { kind: 'incident-ticked', sentence, by: actor },
    };
  };
}

/** Longer than this is no silence but a decision, and belongs into the configuration. */
const longestMs = 7 * 86_400_000;

/** Undefined where that is no time for a silence. */
export function refuseSilence(forMs: number): ReturnType<typeof refuse> | undefined {
  if (forMs > 0 && forMs <= longestMs) return undefined;
  return refuse(
    'too-long',
    'A silence can last one week at most.',
    'Choose a shorter time, such as 2h.',
  );
}

/** No escalations until it ends; checks and the message go on. */
export function silence(forMs: number, { by, why }: Said): Decide {
  return (incident, at) => {
    if (incident.state !== 'open') return refuseNotOpen(incident);
    const until = new Date(Date.parse(at) + forMs).toISOString();
    const sentence = `${actorName(by)} silenced it for ${durationOfMs(forMs)}: no escalations until then.`;
    return {
      state: 'open',
      change: { silence: { by, at, until, reason: why } },
      note: { kind: 'incident-silenced', sentence, quote: why, by },
    };
  };
}

export function unsilence(actor: Actor): Decide {
  return ({ state, silence: present }) => {
    if (present === null) return null;
    const sentence = `${actorName(actor)} ended the silence. Escalations continue.`;
    return {
      state,
      change: { silence: null },
      note: { kind: 'incident-unsilenced', sentence, by: actor },
    };
  };
}

/** A silence whose time is over ends once, and that is said. */
export const endSilence: Decide = ({ state, silence: present }, at) => {
  if (present === null || present.until > at) return null;
  const sentence = `The silence by ${actorName(present.by)} ended. Escalations continue.`;
  return { state, change: { silence: null }, note: { kind: 'incident-unsilenced', sentence } };
};

/** Ends an incident by somebody's word, unless the last check says critical. Alerts that still fire are left to Alertmanager. */
export function resolve(checks: CheckMemory, { by, why }: Said): Decide {
  return (incident, at) => {
    if (incident.state !== 'open') return refuseNotOpen(incident);
    const recent = checks.recent(incident.target, Date.parse(at));
    if (isInTrouble(incident, recent)) return refuseInTrouble(incident, recent);
    const sentence = `${actorName(by)} closed it.`;
    return {
      state: 'resolved',
      change: {
        triggers: endOthers(incident.triggers, at),
        closing: { by, at, sentence, reason: why },
      },
      note: { kind: 'incident-resolved', sentence, quote: why, by },
    };
  };
}

/** dbconn's own word: its target is configured no more, so no check will ever end it. */
export const retire: Decide = (incident, at) => {
  if (incident.state !== 'open') return null;
  const sentence = 'Its target was removed from dbconn.yml, so dbconn closed it.';
  return {
    state: 'resolved',
    change: {
      triggers: endOthers(incident.triggers, at),
      closing: { by: null, at, sentence, reason: null },
    },
    note: { kind: 'incident-resolved', sentence },
  };
};

/** Where this process did not check itself, by the last check that the journal keeps. */
function isInTrouble({ calmSince, last }: Incident, recent: LatestCheck | undefined): boolean {
  if (recent !== undefined && recent.verdict !== 'unseen') return recent.verdict === 'trouble';
  return last?.state === 'critical' && calmSince === null;
}

function refuseInTrouble(
  { last }: Incident,
  recent: LatestCheck | undefined,
): ReturnType<typeof refuse> {
  const latest = recent?.sentence ?? last?.headline ?? '';
  const next = 'Silence it instead, or close it once checks are fine.';
  return refuse('still-critical', `The last check is still critical. ${latest}`.trim(), next);
}

/** Takes an incident up again that is over. */
export function reopen({ by, why }: Said): Decide {
  return (incident, at) => {
    if (incident.state === 'open') return null;
    if (incident.state === 'merged') return refuseNotOpen(incident);
    const awayMs = Date.parse(at) - Date.parse(incident.closing?.at ?? at);
    const sentence = `${actorName(by)} reopened it after ${durationOfMs(awayMs)}.${ownerBefore(incident)}`;
    const trigger = { kind: 'person', by, startsAt: at, endedAt: null, reason: why } as const;
    return {
      state: 'open',
      change: reopening(incident, at, trigger),
      note: { kind: 'incident-reopened', sentence, quote: why, by },
    };
  };
}
