import type { Place } from '../../runbook/snapshot/ports.ts';
import type { Message } from '../messages/parts/message.ts';
import type { Outbox } from '../outbox.ts';
import { post } from '../post.ts';
import type { Writing } from '../post.ts';
import type { PostedMessages } from '../live/posted-messages.ts';

/** What it takes to write to Slack and to read back what was written. */
export interface SlackWriter extends Writing {
  /** For what is read: it is no message, and no message waits for it. */
  readonly reading: Outbox;
  readonly postedMessages: PostedMessages;
}

/** The thread of an incident's message. */
export interface Thread {
  readonly place: Place;
  /** Posts a reply that bears the key, and returns its time stamp. Rejects as Slack does. */
  say(message: Message, key: string): Promise<string>;
  /** The time stamp of the reply that bears the key; undefined where none does or Slack does not let it be read. */
  find(key: string): Promise<string | undefined>;
}

export function threadAt(writer: SlackWriter, place: Place): Thread {
  return {
    place,
    say: (message, key) => post(writer, message, { channel: place.channel, key, thread: place.ts }),
    async find(key) {
      const postedMessages = await writer.postedMessages.inThread(place);
      return postedMessages?.find((one) => one.key === key)?.ts;
    },
  };
}
