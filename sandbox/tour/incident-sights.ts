import { toText } from '../message-text.ts';
import type { SlackMessage } from '../slack/workspace.ts';
import { awaitMessage, messages } from './room.ts';
import type { Room } from './room.ts';

/** What people see of an incident in Slack: its card, its thread, and who was called there. */

/** The incident's message, by what it says now; the newest where there were several. */
export function findCard(room: Room, ts: string): SlackMessage {
  const card = messages(room).find((one) => one.ts === ts);
  if (card === undefined) throw new Error('The message of the incident is gone.');
  return card;
}

/** Waits until the card says this. */
export function awaitCardSaying(room: Room, ts: string, words: string): Promise<SlackMessage> {
  return awaitMessage(room, (one) => one.ts === ts && toText(one).includes(words));
}

/** What was said in its thread, oldest first. */
export function threadOf(room: Room, ts: string): readonly SlackMessage[] {
  return messages(room).filter((one) => one.thread_ts === ts && one.ts !== ts);
}

/** Waits for the first reply in the thread that `holds`. */
export function awaitReply(
  room: Room,
  ts: string,
  holds: (reply: SlackMessage) => boolean,
): Promise<SlackMessage> {
  return awaitMessage(room, (one) => one.thread_ts === ts && one.ts !== ts && holds(one));
}

/** Parts of a card that the audience has read at the moment before. */
const long = new Set(['table', 'container', 'context']);

/** A card without its table and small print. */
export function briefly({ text, blocks = [] }: Pick<SlackMessage, 'text' | 'blocks'>): string {
  return toText({ text, blocks: blocks.filter(({ type }) => !long.has(type)) });
}

/** The first lines of it. */
export function firstLines(text: string, atMost: number): string {
  const lines = text.split('\n');
  const more = lines.length - atMost;
  return more <= 0
    ? text
    : [...lines.slice(0, atMost), `… and ${more} ${more === 1 ? 'line' : 'lines'} more`].join('\n');
}
