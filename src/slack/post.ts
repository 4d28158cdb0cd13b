import { WebAPIPlatformError } from '@slack/web-api';
import type { WebClient } from '@slack/web-api';
import type { Place } from '../runbook/snapshot/ports.ts';
import type { Message } from './messages/parts/message.ts';
import type { Outbox } from './outbox.ts';
import { keyed } from './live/posted-messages.ts';
import { blockErrors, sayPlainer } from './say-plainer.ts';

/** What it takes to write to Slack. */
export interface Writing {
  readonly client: WebClient;
  readonly outbox: Outbox;
}

interface Where {
  readonly channel: string;
  /** Into this message's thread. */
  readonly thread?: string;
  /** What it is found again by. Without one it may stand there twice: better than not at all. */
  readonly key?: string;
}

/** Posts in the richest words Slack takes, once where it bears a key, and returns the time stamp. */
export async function post(
  { client, outbox }: Writing,
  message: Message,
  { channel, key, thread }: Where,
): Promise<string> {
  const { postMessage } = client.chat;
  const { ts } = await outbox.send(
    () =>
      sayPlainer(message, ({ text, blocks }) =>
        postMessage({
          channel,
          text,
          ...(blocks.length > 0 && { blocks: [...blocks] }),
          ...(thread !== undefined && { thread_ts: thread }),
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
  { client, outbox }: Writing,
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
