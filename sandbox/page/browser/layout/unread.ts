import type { Session } from '../session.ts';
import type { Channel } from '../workspace-view.ts';

const openedAtSeconds = Date.now() / 1000;
/** person and channel -> the newest message they have seen on this page. */
const seen = new Map<string, number>();

/** How many messages of others came since this person last looked into the channel. */
export function countUnread(channel: Channel, session: Session): number {
  const last = seen.get(keyOf(channel, session)) ?? openedAtSeconds;
  return channel.messages.filter(
    (message) => Number(message.ts) > last && message.user !== session.view.me,
  ).length;
}

export function markSeen(channel: Channel, session: Session): void {
  const newest = channel.messages.at(-1);
  if (newest !== undefined) seen.set(keyOf(channel, session), Number(newest.ts));
}

function keyOf(channel: Channel, session: Session): string {
  return `${session.view.me} ${channel.id}`;
}
