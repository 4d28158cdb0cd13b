import type { Announcement, Announcements, Journal } from '../ports.ts';
import { cleanReason } from '../approval/clean-reason.ts';
import type { Actor } from '../approval/request.ts';
import { done, refuse } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import type { Contacts } from '../target.ts';
import { escalationRoles } from './policy.ts';
import type { EscalationRole } from './policy.ts';

export interface EscalationAsk {
  readonly role: EscalationRole;
  readonly reason: string;
}

export interface Escalating extends EscalationAsk {
  readonly target: string;
  readonly actor: Actor;
  readonly contacts: Contacts;
  /** The incident channel. */
  readonly channel: string | undefined;
  /** The state of the target in a sentence of figures and configured names, when a look has one. */
  readonly headline: string | undefined;
}

export interface EscalatePorts {
  readonly journal: Pick<Journal, 'record'>;
  readonly announcements: Announcements;
}

/** Reads what stands after `escalate`. A first word that is no role belongs to the reason, and the runbook's first contact is meant. */
export function parseEscalation(text: string): EscalationAsk {
  const [first = '', ...rest] = text.trim().split(/\s+/);
  const role = escalationRoles.find((known) => known === first.toLowerCase());
  return role === undefined
    ? { role: 'database-admins', reason: text.trim() }
    : { role, reason: rest.join(' ') };
}

/** Tells the right people, after it was recorded. Returns what was sent. */
export async function escalate(
  { journal, announcements }: EscalatePorts,
  escalating: Escalating,
): Promise<Answer<Announcement>> {
  const decided = toAnnouncement(escalating);
  if (!decided.ok) return decided;
  const { target, role, actor } = escalating;
  const { to, quote: reason } = decided.value;
  await journal.record({ kind: 'escalated', body: { target, role, by: actor, to, reason } });
  await announcements.announce(decided.value);
  return decided;
}

function toAnnouncement(escalating: Escalating): Answer<Announcement> {
  const { role, target, actor, contacts, channel, headline } = escalating;
  const quote = cleanReason(escalating.reason);
  if (quote === null) {
    const next = `Write it after the word: /dbconn escalate ${role} and why.`;
    return refuse('reason-missing', 'An escalation needs a reason.', next);
  }
  const by = actor.via === 'slack' ? `<@${actor.id}>` : `Somebody at the ${actor.via}`;
  const state = headline === undefined ? '' : ` ${headline}`;
  const words = { headline: `${by} asks for help with ${target}.${state}`, quote };
  if (role === 'on-call') return refuseToPage(contacts.onCall);
  if (role === 'backend-lead') {
    if (contacts.backendLead === undefined) return refuseUnset(role, 'backendLead');
    return done({ to: contacts.backendLead, mention: null, ...words });
  }
  if (contacts.databaseAdmins === undefined) return refuseUnset(role, 'databaseAdmins');
  if (channel === undefined) {
    const next = 'Set slack.channel in dbconn.yml.';
    return refuse('no-channel', 'No incident channel is configured.', next);
  }
  return done({ to: channel, mention: contacts.databaseAdmins, ...words });
}

function refuseToPage(onCall: string | undefined): ReturnType<typeof refuse> {
  const next = onCall === undefined ? 'Page by hand.' : `Page ${mentionOf(onCall)} by hand.`;
  return refuse('no-pager', 'dbconn cannot page yet: PagerDuty is not connected.', next);
}

function refuseUnset(role: EscalationRole, key: string): ReturnType<typeof refuse> {
  return refuse(
    'no-contact',
    `Nobody is configured as ${role}.`,
    `Set contacts.${key} in dbconn.yml.`,
  );
}

/** `S…` is a user group, anything else a person. */
export function mentionOf(id: string): string {
  return id.startsWith('S') ? `<!subteam^${id}>` : `<@${id}>`;
}
