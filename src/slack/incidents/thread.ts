import { WebAPIPlatformError } from '@slack/web-api';
import type { WebClient } from '@slack/web-api';
import type { Place } from '../../runbook/ports.ts';
import type { Message } from '../messages/parts/message.ts';
import type { Outbox } from '../outbox.ts';
import { sayPlainer } from '../say-plainer.ts';
import { keyed } from './said.ts';
import type { Said } from './said.ts';

/** What it takes to write to Slack and to read back what was written. */
export interface Pen {
  readonly client: WebClient;
  readonly outbox: Outbox;
  /** For what is read: it is no message, and no message waits for it. */
  readonly reading: Outbox;
  readonly said: Said;
}

/** The thread of an incident's message. */
export interface Thread {
  readonly place: Place;
  /** Posts a reply that bears the key, and returns its time stamp. Rejects as Slack does. */
  say(message: Message, key: string): Promise<string>;
  /** The time stamp of the reply that bears the key; undefined where none does or Slack does not let it be read. */
  find(key: string): Promise<string | undefined>;
}

export function threadAt(pen: Pen, place: Place): Thread {
  return {
    place,
    say: (message, key) => post(pen, message, { channel: place.channel, key, thread: place.ts }),
    async find(key) {
      const said = await pen.said.inThread(place);
      return said?.find((one) => one.key === key)?.ts;
    },
  };
}

interface Where {
  readonly channel: string;
  readonly key: string;
  /** Into this message's thread. */
  readonly thread?: string;
}

/** Posts once, in the richest words Slack takes, and returns the time stamp. */
export async function post(
  { client, outbox }: Pen,
  message: Message,
  { channel, key, thread }: Where,
): Promise<string> {
  const { postMessage } = client.chat;
  const { ts } = await outbox.send(() =>
    sayPlainer(message, ({ text, blocks }) =>
      postMessage({
        channel,
        text,
        ...(blocks.length > 0 && { blocks: [...blocks] }),
        ...(thread !== undefined && { thread_ts: thread }),
        ...keyed(key),
        unfurl_links: false,
        unfurl_media: false,
      }),
    ),
  );
  if (ts === undefined) throw new Error('Slack named no time stamp for a message it took.');
  return ts;
}

/** Errors after which an old message is of no use, and a new one is posted. */
const lost = new Set([
  'message_not_found',
  'thread_not_found',
  'cant_update_message',
  'edit_window_closed',
]);

export function isLost(error: unknown): boolean {
  return error instanceof WebAPIPlatformError && lost.has(error.data.error);
}

/** Rewrites a message. False where it is gone. */
export async function edit(
  { client, outbox }: Pen,
  message: Message,
  { channel, ts }: Place,
): Promise<boolean> {
  const { update } = client.chat;
  try {
    await outbox.send(
      () =>
        sayPlainer(message, ({ text, blocks }) =>
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
