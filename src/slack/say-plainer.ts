import { WebAPIPlatformError } from '@slack/web-api';
import { fallbacksOf } from './messages/parts/dialect.ts';
import type { Message } from './messages/parts/message.ts';

export const blockErrors: ReadonlySet<string> = new Set([
  'invalid_blocks',
  'invalid_blocks_format',
  'msg_blocks_too_long',
]);

/** Whether Slack refused the blocks themselves: plainer ones may do. */
export function isAboutBlocks(error: unknown): error is WebAPIPlatformError {
  return error instanceof WebAPIPlatformError && blockErrors.has(error.data.error);
}

/** Sends a message in the richest words Slack takes. Rejects as the last try does. */
export async function sayPlainer<T>(
  message: Message,
  send: (message: Message) => Promise<T>,
): Promise<T> {
  let refused: unknown;
  for (const { message: variant } of fallbacksOf(message, 'full')) {
    try {
      return await send(variant);
    } catch (error) {
      if (!isAboutBlocks(error)) throw error;
      refused = error;
    }
  }
  throw refused;
}
