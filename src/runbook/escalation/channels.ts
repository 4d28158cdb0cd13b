import type { Actor } from '../approvals/request.ts';
import type { Check } from '../diagnose/doctor.ts';
import { actorName, lifeStartMs } from '../incidents/incident.ts';
import type { IncidentView } from '../incidents/incidents.ts';
import { roleNames } from '../incidents/rules.ts';
import type { Escalation, EscalationRole, EscalationStep } from '../incidents/rules.ts';
import type { Contacts } from '../snapshot/target.ts';
import { capital, count, durationOfSeconds, list } from '../snapshot/words.ts';
import type { Pager } from './ports.ts';

/** One way to reach somebody. */
export type CallChannel =
  | { readonly via: 'pager'; readonly pager: Pager }
  | {
      readonly via: 'channel' | 'direct';
      /** A channel's id or a person's. */
      readonly to: string;
      readonly mention: string | null;
    };

export interface Reach {
  readonly contacts: Contacts;
  readonly channel: string | undefined;
  readonly pager: Pager | undefined;
}

/**
 * How somebody is reached, the runbook's method first: the database admins in #database, the backend lead by a
 * direct message, the on-call engineer by the pager. The others are for when that is refused. Empty where nothing
 * is configured.
 */
export function callChannelsTo(
  who: EscalationRole,
  { contacts, channel, pager }: Reach,
): CallChannel[] {
  const { databaseAdmins, backendLead, onCall } = contacts;
  const inChannel = (mention: string | undefined): CallChannel[] =>
    channel === undefined ? [] : [{ via: 'channel', to: channel, mention: mention ?? null }];
  if (who === 'database-admins') return [...inChannel(databaseAdmins), ...directly(databaseAdmins)];
  if (who === 'backend-lead') return [...directly(backendLead), ...inChannel(backendLead)];
  const paged: CallChannel[] = pager === undefined ? [] : [{ via: 'pager', pager }];
  return [...paged, ...directly(onCall), ...inChannel(onCall ?? databaseAdmins)];
}

/** A group has no direct messages. */
function directly(contact: string | undefined): CallChannel[] {
  if (contact === undefined || contact.startsWith('S')) return [];
  return [{ via: 'direct', to: contact, mention: null }];
}

/** A refused page costs two minutes, and nobody is awake yet. */
export const mostTries: Readonly<Record<Escalation['via'], number>> = {
  pager: 2,
  direct: 3,
  channel: 4,
};

/** The way a call goes now: on with the one it was on, or the next when that refused it often enough. */
export function chooseCallChannel(
  callChannels: readonly CallChannel[],
  { via, tries, state }: Pick<Escalation, 'via' | 'tries' | 'state'>,
): CallChannel | undefined {
  if (tries === 0) return callChannels[0];
  const index = callChannels.findIndex((callChannel) => callChannel.via === via);
  // A try that a crash cut off was refused by nobody.
  if (state === 'sending') return callChannels[Math.max(index, 0)];
  // The last one is tried for as long as the incident stands: Slack may be away for an hour.
  return callChannels[
    tries >= mostTries[via] ? Math.min(index + 1, callChannels.length - 1) : Math.max(index, 0)
  ];
}

/** `in the channel`, `by a direct message`, `by PagerDuty`. */
export function callChannelName(callChannel: CallChannel): string {
  if (callChannel.via === 'pager') return `by ${callChannel.pager.name}`;
  return callChannel.via === 'channel' ? 'in the channel' : 'by a direct message';
}

interface CallWords {
  readonly view: IncidentView;
  readonly escalation: Escalation;
  readonly nowMs: number;
  /** Later than this is late, and said. */
  readonly lateAfterMs: number;
  /** The owner answers. */
  readonly isWorkedOn: boolean;
}

/** What the called person reads: whom it is about, how it stands, and why they. Figures and configured names only. */
export function toHeadline(words: CallWords): string {
  const { view, escalation, nowMs, lateAfterMs } = words;
  const { incident } = view;
  const { by, who, reasons, dueAt } = escalation;
  const lateMs = nowMs - Date.parse(dueAt);
  return [
    by === null
      ? `${incident.target} needs ${roleNames[who]}.`
      : `${toWho(by)} asks ${roleNames[who]} for help with ${incident.target}.`,
    stateOf(view),
    toStanding(words),
    ...reasons.map(({ sentence }) => sentence),
    ...(lateMs > lateAfterMs
      ? [`This escalation is ${durationOfSeconds(lateMs / 1000)} late.`]
      : []),
  ]
    .filter((sentence) => sentence !== '')
    .join(' ');
}

/** One sentence for a pager's list. */
export function toSummary(view: IncidentView): string {
  const state = stateOf(view);
  return `${view.incident.target}: ${state === '' ? 'running out of connections.' : state}`;
}

function stateOf({ incident, diagnosis }: IncidentView): string {
  return diagnosis?.headline ?? incident.last?.headline ?? '';
}

function toStanding({ view: { incident }, nowMs, isWorkedOn }: CallWords): string {
  const { assignee } = incident;
  const open = `Open for ${durationOfSeconds(Math.max(0, nowMs - lifeStartMs(incident)) / 1000)}`;
  if (assignee === null) return `${open}, no owner yet.`;
  return `${open}. Owner: ${actorName(assignee.by)}${isWorkedOn ? '' : ', not responding'}.`;
}

/** For the beginning of a sentence. */
export function toWho(actor: Actor): string {
  return capital(actorName(actor));
}

/** Whether a target's incidents reach anybody: a policy is found wanting on a quiet day, or in the night it is for. */
export function checkEscalation(steps: readonly EscalationStep[], reach: Reach): Check[] {
  const subject = 'Configuration';
  if (steps.length === 0) {
    const summary = 'Incidents notify nobody.';
    const fix = 'Set contacts of the target, or escalation, in dbconn.yml.';
    return [{ subject, state: 'off', summary, fix }];
  }
  const roles = [...new Set(steps.map(({ who }) => who))];
  const unreached = roles.filter((who) => !isReached(who, reach));
  if (unreached.length > 0) {
    const summary = `Escalations to ${list(unreached.map((who) => roleNames[who]))} cannot be delivered.`;
    const fix = 'Set contacts, slack.channel or pager in dbconn.yml.';
    return [{ subject, state: 'missing', summary, fix }];
  }
  const woken = reach.pager === undefined ? 'no pager' : `${reach.pager.name} pages people`;
  const summary = `Incidents notify ${list(roles.map((who) => roleNames[who]))} in ${count(steps.length, 'step')}; ${woken}.`;
  return [{ subject, state: 'ok', summary }];
}

/** A line in the channel that mentions nobody reaches nobody at night. */
function isReached(who: EscalationStep['who'], reach: Reach): boolean {
  return callChannelsTo(who, reach).some(
    (callChannel) => callChannel.via !== 'channel' || callChannel.mention !== null,
  );
}
