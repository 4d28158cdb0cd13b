import { sentence } from './parts/lists.ts';
import type { Message } from './parts/message.ts';
import { toMessage } from './parts/message.ts';

/** One plain sentence, for everything that is no diagnosis. */
export function notice(text: string): Message {
  return toMessage(text, [sentence(text)]);
}
