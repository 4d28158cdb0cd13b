import { isoNow } from '../../timing.ts';
import type { Clock } from '../../timing.ts';
import type { Journal } from '../approvals/journal.ts';
import type { Announcement, Announcements } from '../approvals/notices.ts';
import { cleanReason } from '../approvals/request.ts';
import type { Actor } from '../approvals/request.ts';
import { actorName } from '../incidents/incident.ts';
import { escalationRoles } from '../incidents/rules.ts';
import type { Escalation, EscalationRequest, EscalationRole } from '../incidents/rules.ts';
import { done, refuse } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import type { Contacts } from '../snapshot/target.ts';
import { capital } from '../snapshot/words.ts';
import { callChannelsTo } from './channels.ts';
import type { CallChannel } from './channels.ts';
import { PagerRefused } from './ports.ts';
import type { Pager } from './ports.ts';

interface Escalating extends EscalationRequest {
  readonly target: string;
  readonly actor: Actor;
  readonly contacts: Contacts;
  /** The incident channel. */
  readonly channel: string | undefined;
  /** The state of the target in a sentence of figures and configured names, when a check has one. */
  readonly headline: string | undefined;
}

export interface EscalatePorts {
  readonly journal: Pick<Journal, 'record'>;
  readonly announcements: Announcements;
  /** What wakes people; without it the on-call engineer is called in Slack. */
  readonly paging?: { readonly pager: Pager; readonly clock: Clock };
}

/** What was sent, and by which of the runbook's methods. `to` is the pager's name where it was paged. */
export interface Called extends Announcement {
  readonly via: Escalation['via'];
}

/** Reads what stands after `escalate`. A first word that is no role belongs to the reason, and the runbook's first contact is meant. */
export function parseEscalation(text: string): EscalationRequest {
  const [first = '', ...rest] = text.trim().split(/\s+/);
  const role = escalationRoles.find((known) => known === first.toLowerCase());
  return role === undefined
    ? { role: 'database-admins', reason: text.trim() }
    : { role, reason: rest.join(' ') };
}

/**
 * Tells the right people about a target that has no incident, after it was recorded. Returns what was sent. A pager
 * that does not take it is a refusal that says so; what Slack refuses is thrown as Slack does.
 */
export async function escalate(
  ports: EscalatePorts,
  escalating: Escalating,
): Promise<Answer<Called>> {
  const { journal, announcements, paging } = ports;
  const decided = toCall(escalating, paging?.pager);
  if (!decided.ok) return decided;
  const { target, role, actor } = escalating;
  const { to, quote: reason, via } = decided.value;
  await journal.record({ kind: 'escalated', body: { target, role, by: actor, to, reason } });
  if (via === 'pager' && paging !== undefined) {
    const refused = await page(paging, escalating);
    return refused ?? decided;
  }
  const { via: _via, ...announcement } = decided.value;
  await announcements.announce(announcement);
  return decided;
}

function toCall(escalating: Escalating, pager: Pager | undefined): Answer<Called> {
  const { role, target, actor, contacts, channel, headline } = escalating;
  const quote = cleanReason(escalating.reason);
  if (quote === null) {
    const next = `Add it: /dbconn escalate ${role} REASON.`;
    return refuse('reason-missing', 'An escalation needs a reason.', next);
  }
  if (contacts[contactKeys[role]] === undefined && (role !== 'on-call' || pager === undefined)) {
    return refuseUnset(role, contactKeys[role]);
  }
  const [callChannel] = callChannelsTo(role, { contacts, channel, pager });
  if (callChannel === undefined || (role === 'database-admins' && callChannel.via !== 'channel')) {
    const next = 'Set slack.channel in dbconn.yml.';
    return refuse('no-channel', 'No incident channel is configured.', next);
  }
  const by = capital(actorName(actor));
  const state = headline === undefined ? '' : ` ${headline}`;
  const words = { headline: `${by} asks for help with ${target}.${state}`, quote };
  return done({ ...addressOf(callChannel), ...words });
}

const contactKeys = {
  'database-admins': 'databaseAdmins',
  'backend-lead': 'backendLead',
  'on-call': 'onCall',
} as const;

function addressOf(callChannel: CallChannel): Pick<Called, 'to' | 'mention' | 'via'> {
  return callChannel.via === 'pager'
    ? { to: callChannel.pager.name, mention: null, via: 'pager' }
    : callChannel;
}

/** A page of its own: there is no incident that would resolve it. Undefined once it was taken. */
async function page(
  { pager, clock }: NonNullable<EscalatePorts['paging']>,
  { target, headline }: Escalating,
): Promise<ReturnType<typeof refuse> | undefined> {
  const at = isoNow(clock);
  const asked = `${target}: help was requested in Slack.`;
  try {
    await pager.page({
      action: 'trigger',
      key: `dbconn/${target}/by-hand/${at}`,
      target,
      severity: 'critical',
      summary: headline === undefined ? asked : `${asked} ${headline}`,
      at,
      details: {},
      links: [],
    });
    return undefined;
  } catch (error) {
    if (!(error instanceof PagerRefused)) throw error;
    return refuse('pager-refused', error.message, 'Call by phone.');
  }
}

function refuseUnset(role: EscalationRole, key: string): ReturnType<typeof refuse> {
  return refuse(
    'no-contact',
    `There is no contact for ${role}.`,
    `Set contacts.${key}${role === 'on-call' ? ' or pager' : ''} in dbconn.yml.`,
  );
}
