import type { Pager } from '../escalation/pager.ts';
import type { Contacts } from '../snapshot/target.ts';
import type { Escalation, EscalationRole } from './policy.ts';

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
