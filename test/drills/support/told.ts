import { z } from 'zod';
import type { SlackMessage } from '../../../sandbox/slack/workspace.ts';
import { toText } from '../../../sandbox/message-text.ts';
import { isForThread } from '../../../src/slack/messages/incident-card.ts';
import { messagesOf } from './conversation.ts';
import type { Room } from './conversation.ts';
import type { Harness } from '../../support/harness.ts';
import { named } from '../../support/people.ts';

const Metadata = z.object({
  event_type: z.literal('dbconn'),
  event_payload: z.object({ key: z.string() }),
});

/** The key that a message of dbconn's own bears, unseen; undefined where it bears none. */
export function keyOf({ metadata }: Pick<SlackMessage, 'metadata'>): string | undefined {
  return Metadata.safeParse(metadata).data?.event_payload.key;
}

/** The sentences that the thread of an incident was told, in the order they stand there. */
export function toldSentences(room: Room, incident: string): string[] {
  const news = messagesOf(room).filter((one) => keyOf(one)?.startsWith(`${incident}:`));
  return news.flatMap((message) =>
    toText(message)
      .split('\n')
      // A time stands before each of them; what somebody wrote about it stands alone.
      .flatMap((line) => /^(?: {2}• )?\S.*? {2}(.*)$/.exec(line)?.[1] ?? [])
      // A person whose name Slack did not say in time is named by the id.
      .map((line) => line.replaceAll(/@(U0\w+)/g, (_, id: string) => named(id))),
  );
}

/** The sentences that the journal keeps of an incident for its thread, as they read in Slack. */
export async function keptSentences(harness: Harness, incident: string): Promise<string[]> {
  const notes = await harness.inJournal((journal) => journal.readNotes(incident, 0));
  return notes
    .filter(isForThread)
    .flatMap(({ sentence }) => sentence ?? [])
    .map((sentence) => sentence.replaceAll(/<@(\w+)>/g, (_, id: string) => named(id)));
}
