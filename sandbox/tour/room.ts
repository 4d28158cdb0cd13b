import { z } from 'zod';
import type { LocalSlack } from '../slack/server.ts';
import type { SlackMessage } from '../slack/workspace.ts';
import { toText } from '../message-text.ts';
import { incidentChannel } from '../stage.ts';

/** What people do in #database, each as they would in Slack: type, press, read. Nobody here knows the bot's insides. */

export interface Person {
  readonly id: string;
  readonly realName: string;
}

export interface Room {
  readonly slack: LocalSlack;
  /** One line of what the audience sees. */
  readonly say: (line: string) => void;
}

/** Five times what a look, or the plan of a change, takes on a busy machine of two cores. */
const patienceMs = 30_000;

/** Types `/dbconn …` and returns what the bot then says to everybody. */
export async function ask(room: Room, person: Person, words: string): Promise<SlackMessage> {
  const seen = new Set(messages(room).map(({ ts }) => ts));
  await typeWords(room, person, words);
  return awaitMessage(room, ({ ts, thread_ts: thread, blocks = [] }) => {
    // What the bot still has to say of an earlier request goes into that one's thread.
    return !seen.has(ts) && thread === undefined && blocks.length > 0;
  });
}

/** Types `/dbconn …` and returns what this person alone is told. */
export function tell(room: Room, person: Person, words: string): Promise<string> {
  return answerTo(room, person, () => typeWords(room, person, words));
}

export interface Button {
  /** The message it stands on. */
  readonly ts: string;
  readonly actionId: string;
  readonly label: string;
}

/** Presses a button and returns what this person alone is told. */
export function press(room: Room, person: Person, button: Button): Promise<string> {
  const { ts, actionId, label } = button;
  room.say(`\n${person.realName} presses [ ${label} ]`);
  return answerTo(room, person, async () => {
    const pressed = { user: person.id, channel: incidentChannel, ts, actionId };
    expectAcknowledged(await room.slack.pressButton(pressed));
  });
}

const Actions = z.looseObject({ type: z.literal('actions'), elements: z.array(z.unknown()) });
/** A menu beside the buttons has no text of its own. */
const Pressable = z.looseObject({
  action_id: z.string(),
  text: z.looseObject({ text: z.string() }),
  value: z.string().optional(),
});

/** The button of that label, that action or that value on a message; undefined where it has none. */
export function findButton(
  { ts, blocks = [] }: Pick<SlackMessage, 'ts' | 'blocks'>,
  which: string,
): Button | undefined {
  const elements = blocks.flatMap((block) => Actions.safeParse(block).data?.elements ?? []);
  const buttons = elements.flatMap((element) => Pressable.safeParse(element).data ?? []);
  const found = buttons.find(({ action_id: id, text, value }) =>
    [text.text, id, value].includes(which),
  );
  return found === undefined
    ? undefined
    : { ts, actionId: found.action_id, label: found.text.text };
}

/** Waits until the channel has a message that `holds`, and returns it. */
export function awaitMessage(
  room: Room,
  holds: (message: SlackMessage) => boolean,
  withinMs: number = patienceMs,
): Promise<SlackMessage> {
  return room.slack.waitFor(() => messages(room).find(holds), withinMs);
}

/** All that stands in the channel, replies in threads included, oldest first. */
export function messages({ slack }: Room): readonly SlackMessage[] {
  return slack.state.channels.find(({ id }) => id === incidentChannel)?.messages ?? [];
}

async function typeWords({ slack, say }: Room, person: Person, words: string): Promise<void> {
  const text = `/dbconn ${words}`;
  say(`\n${person.realName}: ${text}`);
  const typed = await slack.typeCommand({ user: person.id, channel: incidentChannel, text });
  expectAcknowledged(typed);
}

function expectAcknowledged(result: { readonly acked: boolean; readonly error?: string }): void {
  if (!result.acked) throw new Error(`Slack says ${result.error ?? 'no'}.`);
}

/** A busy machine makes the bot ask for patience first: that is not the answer yet. */
const notYet = /^Still .* takes longer than it should/;

async function answerTo(
  { slack, say }: Room,
  { id }: Person,
  act: () => Promise<void>,
): Promise<string> {
  const own = (): SlackMessage[] =>
    slack.state.ephemerals.filter(({ user }) => user === id).map(({ message }) => message);
  const seen = own().length;
  await act();
  const answer = await slack.waitFor(() => {
    const fresh = own().slice(seen);
    return fresh.find(({ text }) => !notYet.test(text));
  }, patienceMs);
  const text = toText(answer);
  say(`  only they see: ${text}`);
  return text;
}
