import { WebAPIPlatformError } from '@slack/web-api';
import type { Place } from '../runbook/snapshot/ports.ts';
import { notice } from './messages/notice.ts';
import type { Message } from './messages/parts/message.ts';
import { edit, isLost, post } from './post.ts';
import type { Writing } from './post.ts';
import type { Keyed, PostedMessages } from './live/posted-messages.ts';

/** What it takes to write to Slack and, where Slack lets dbconn read, to see what was written. */
export interface ReadWriting extends Writing {
  readonly postedMessages?: PostedMessages;
}

/** Where the messages with one key are: in a message's thread, or in a channel since a moment (UTC ISO text). */
export type Whereabouts =
  { readonly thread: Place } | { readonly channel: string; readonly since: string };

/** The time stamps of the messages that bear the key, oldest first; undefined where Slack does not let dbconn read. */
export async function findKeyed(
  { postedMessages }: ReadWriting,
  where: Whereabouts,
  key: string,
): Promise<readonly string[] | undefined> {
  const all: readonly Keyed[] | undefined =
    'thread' in where
      ? await postedMessages?.inThread(where.thread)
      : await postedMessages?.inChannel(where.channel, where.since);
  return all
    ?.filter((one) => one.key === key)
    .map(({ ts }) => ts)
    .toSorted((one, other) => Number(one) - Number(other));
}

/**
 * Posts what several processes may post in the same moment, and returns the time stamp of the one that remains: the
 * first that Slack took. Whoever posted a later one sees the earlier one, and takes its own away.
 */
export async function postOnce(
  writer: ReadWriting,
  message: Message,
  where: Whereabouts & { readonly key: string },
): Promise<string> {
  const { key } = where;
  const channel = 'thread' in where ? where.thread.channel : where.channel;
  const before = await keepFirst(writer, where, key);
  if (typeof before === 'string') return before;
  const thread = 'thread' in where ? { thread: where.thread.ts } : {};
  const ts = await post(writer, message, { channel, key, ...thread });
  return (await keepFirst(writer, where, key)) ?? ts;
}

/** Leaves the first message with that key; null where there is none, undefined where Slack does not let dbconn read. */
export async function keepFirst(
  writer: ReadWriting,
  where: Whereabouts,
  key: string,
): Promise<string | null | undefined> {
  const channel = 'thread' in where ? where.thread.channel : where.channel;
  const found = await findKeyed(writer, where, key);
  if (found === undefined) return undefined;
  const [first = null, ...later] = found;
  for (const ts of later) await remove(writer, { channel, ts });
  return first;
}

/** Takes a message of dbconn's away. Where Slack does not let it go, it loses its buttons. */
export async function remove({ client, outbox }: Writing, { channel, ts }: Place): Promise<void> {
  const forget = (): Promise<unknown> => client.chat.delete({ channel, ts });
  try {
    await outbox.send(forget, 'repeatable');
  } catch (error) {
    if (isLost(error)) return;
    if (!(error instanceof WebAPIPlatformError)) throw error;
    const text = 'This was posted twice. Use the other message.';
    await edit({ client, outbox }, notice(text), { channel, ts });
  }
}
