import { WebAPIPlatformError } from '@slack/web-api';
import type { WebClient } from '@slack/web-api';
import type { Place } from '../../runbook/approvals/notices.ts';
import { blockErrors, sayPlainer } from '../messages/kit/fallbacks.ts';
import type { KnownDialect } from '../messages/kit/fallbacks.ts';
import type { Message } from '../messages/kit/message.ts';
import { notice } from '../messages/notice.ts';
import { withNames } from './names.ts';
import type { ReadNames } from './names.ts';
import type { Outbox } from './outbox.ts';
import { keyed } from './posted-messages.ts';
import type { Keyed, PostedMessages } from './posted-messages.ts';

/** What it takes to write to Slack. */
interface Writing {
  readonly client: WebClient;
  readonly outbox: Outbox;
  readonly readNames: ReadNames;
}

const dialects = new WeakMap<WebClient, KnownDialect>();

/** What the workspace behind this client was found to take. */
function dialectOf(client: WebClient): KnownDialect {
  const known = dialects.get(client) ?? { richest: 'full' };
  dialects.set(client, known);
  return known;
}

/** In a channel, or in a message's thread. */
type Where = ({ readonly channel: string } | { readonly thread: Place }) & {
  /** What it is found again by. Without one it may stand there twice: better than not at all. */
  readonly key?: string;
  /** Slack notifies whom it mentions. An escalation and a question mean that, and nothing else does. */
  readonly notifies?: boolean;
  /** From the thread into the channel too. */
  readonly isBroadcast?: boolean;
};

/** Posts in the richest words Slack takes, once where it bears a key, and returns the time stamp. */
export async function post(
  { client, outbox, readNames }: Writing,
  message: Message,
  where: Where,
): Promise<string> {
  const { postMessage } = client.chat;
  const { key, notifies = false, isBroadcast = false } = where;
  const said = notifies ? message : await withNames(message, readNames, 'by-id');
  const inThread =
    'thread' in where ? { thread_ts: where.thread.ts, reply_broadcast: isBroadcast } : {};
  const { ts } = await outbox.send(
    () =>
      sayPlainer(said, dialectOf(client), ({ text, blocks }) =>
        postMessage({
          channel: channelOf(where),
          text,
          ...(blocks.length > 0 && { blocks: [...blocks] }),
          ...inThread,
          ...(key !== undefined && keyed(key)),
          unfurl_links: false,
          unfurl_media: false,
        }),
      ),
    key === undefined ? 'repeatable' : undefined,
  );
  if (ts === undefined) throw new Error('Slack named no time stamp for a message it took.');
  return ts;
}

function channelOf(where: { readonly channel: string } | { readonly thread: Place }): string {
  return 'thread' in where ? where.thread.channel : where.channel;
}

/** Errors after which an old message is of no use, and a new one is posted. */
const lost = new Set([
  'message_not_found',
  'thread_not_found',
  'cant_update_message',
  'edit_window_closed',
]);

/** Whether Slack's code is about one message, not about the channel or the app: another message may be taken. */
export function isAboutMessage(code: string): boolean {
  return lost.has(code) || blockErrors.has(code);
}

export function isLost(error: unknown): boolean {
  return error instanceof WebAPIPlatformError && lost.has(error.data.error);
}

/** Rewrites a message. False where it is gone. */
export async function edit(
  { client, outbox, readNames }: Writing,
  message: Message,
  { channel, ts }: Place,
): Promise<boolean> {
  const { update } = client.chat;
  const said = await withNames(message, readNames, 'mentioned');
  try {
    await outbox.send(
      () =>
        sayPlainer(said, dialectOf(client), ({ text, blocks }) =>
          update({ channel, ts, text, blocks: [...blocks] }),
        ),
      'repeatable',
    );
    return true;
  } catch (error) {
    if (isLost(error)) return false;
    throw error;
  }
}

/** What it takes to write to Slack and to read back what was written. */
export interface SlackWriter extends Writing {
  /** For what is read: it is no message, and no message waits for it. */
  readonly reading: Outbox;
  readonly postedMessages: PostedMessages;
}

/** What it takes to write to Slack and, where Slack lets dbconn read, to see what was written. */
export interface ReadWriting extends Writing {
  readonly postedMessages?: PostedMessages;
}

/** Where the messages with one key are: in a message's thread, or in a channel since a moment (UTC ISO text). */
type Whereabouts =
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
 * first that Slack took. The process that posted a later one sees the earlier one, and takes its own away.
 */
export async function postOnce(
  writer: ReadWriting,
  message: Message,
  where: Whereabouts & Pick<Where, 'notifies'> & { readonly key: string },
): Promise<string> {
  const { key } = where;
  const before = await keepFirst(writer, where, key);
  if (typeof before === 'string') return before;
  const ts = await post(writer, message, where);
  return (await keepFirst(writer, where, key)) ?? ts;
}

/** Leaves the first message with that key; null where there is none, undefined where Slack does not let dbconn read. */
export async function keepFirst(
  writer: ReadWriting,
  where: Whereabouts,
  key: string,
): Promise<string | null | undefined> {
  const found = await findKeyed(writer, where, key);
  if (found === undefined) return undefined;
  const [first = null, ...later] = found;
  for (const ts of later) await remove(writer, { channel: channelOf(where), ts });
  return first;
}

/** Takes a message of dbconn's away. Where Slack does not let it go, it loses its buttons. */
export async function remove(writing: Writing, { channel, ts }: Place): Promise<void> {
  const { client, outbox } = writing;
  const forget = (): Promise<unknown> => client.chat.delete({ channel, ts });
  try {
    await outbox.send(forget, 'repeatable');
  } catch (error) {
    if (isLost(error)) return;
    if (!(error instanceof WebAPIPlatformError)) throw error;
    const text = 'This was posted twice. Use the other message.';
    await edit(writing, notice(text), { channel, ts });
  }
}
