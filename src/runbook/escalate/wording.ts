import type { Actor } from '../approval/actor.ts';
import { durationOfSeconds } from '../snapshot/words.ts';
import { actorName } from '../incident/actor-name.ts';
import type { IncidentView } from '../incidents/incidents.ts';
import { capital } from '../snapshot/wording.ts';
import { lifeStartMs } from './life.ts';
import type { Escalation, EscalationRole } from './policy.ts';
import type { CallChannel } from './ways.ts';

const roleNames: Readonly<Record<EscalationRole, string>> = {
  'database-admins': 'the database admins',
  'backend-lead': 'the backend lead',
  'on-call': 'the on-call engineer',
};

export function roleName(role: EscalationRole): string {
  return roleNames[role];
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
  /** Whoever has it answers. */
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
      ? `${incident.target} needs ${roleName(who)}.`
      : `${toWho(by)} asks ${roleName(who)} for help with ${incident.target}.`,
    stateOf(view),
    toStanding(words),
    ...reasons.map(({ sentence }) => sentence),
    ...(lateMs > lateAfterMs ? [`This call was due ${durationOfSeconds(lateMs / 1000)} ago.`] : []),
  ]
    .filter((sentence) => sentence !== '')
    .join(' ');
}

/** One sentence for a pager's list. */
export function toSummary(view: IncidentView): string {
  const state = stateOf(view);
  return `${view.incident.target}: ${state === '' ? 'connections run out.' : state}`;
}

function stateOf({ incident, diagnosis }: IncidentView): string {
  return diagnosis?.headline ?? incident.last?.headline ?? '';
}

function toStanding({ view: { incident }, nowMs, isWorkedOn }: CallWords): string {
  const { assignee } = incident;
  const open = `Open for ${durationOfSeconds(Math.max(0, nowMs - lifeStartMs(incident)) / 1000)}`;
  if (assignee === null) return `${open}, and nobody has it.`;
  return `${open}. ${toWho(assignee.by)} has it${isWorkedOn ? '' : ', and does not answer'}.`;
}

/** For the beginning of a sentence. */
export function toWho(actor: Actor): string {
  return capital(actorName(actor));
}
