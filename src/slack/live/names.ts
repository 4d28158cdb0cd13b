import type { WebClient } from '@slack/web-api';
import { cleanUntrusted } from '../../runbook/snapshot/redaction/redact-text.ts';
import { keepNewest, systemClock, uptimeOf, within } from '../../timing.ts';
import { escapeMrkdwn } from '../messages/kit/message.ts';
import type { Message } from '../messages/kit/message.ts';
import { bold } from '../messages/kit/rich-text.ts';

/** The names of people by their Slack ids, as their profiles have them. Who cannot be looked up is missing. */
export type ReadNames = (ids: Iterable<string>) => Promise<ReadonlyMap<string, string>>;

/** A night has few people; the others are named by their ids. */
const mostAtOnce = 30;
const mostKept = 500;
/** People rarely change their name. Where Slack did not say it, it is asked again soon. */
const [keptMs, missingMs] = [15 * 60_000, 60_000];
/** A message does not wait longer for a name: it is here for the next one. */
const longestWaitMs = 3000;

interface Kept {
  readonly name: Promise<string | undefined>;
  /** The same, once it is there. */
  said: string | undefined;
  freshUntilMs: number;
}

/**
 * Keeps what Slack said of people for a while, and holds no message up. Never for what is decided. Two who were seen with
 * one name have their ids behind it.
 */
export function createReadNames(client: WebClient): ReadNames {
  const kept = new Map<string, Kept>();
  const nowMs = (): number => uptimeOf(systemClock);
  const nameOf = (id: string): Promise<string | undefined> => {
    const known = kept.get(id);
    if (known !== undefined && nowMs() < known.freshUntilMs) return known.name;
    const asked = askName(client, id).then((name) => {
      if (name === undefined) entry.freshUntilMs = nowMs() + missingMs;
      return (entry.said = name ?? known?.said);
    });
    const entry: Kept = { name: asked, said: known?.said, freshUntilMs: nowMs() + keptMs };
    kept.delete(id);
    kept.set(id, entry);
    keepNewest(kept, mostKept);
    return asked;
  };
  const isShared = (id: string, name: string): boolean =>
    [...kept].some(
      ([other, { said }]) => other !== id && said !== undefined && fold(said) === fold(name),
    );
  return async (ids) => {
    const asked = [...new Set(ids)].slice(0, mostAtOnce).map(async (id) => {
      const name = await within(nameOf(id), longestWaitMs, systemClock);
      return name === undefined ? [] : [[id, name] as const];
    });
    const named = (await Promise.all(asked)).flat();
    return new Map(named.map(([id, name]) => [id, isShared(id, name) ? `${name} (${id})` : name]));
  };
}

/** What is left of a name for the eye. Names are not unique in Slack, and anybody may take that of an approver. */
function fold(name: string): string {
  return name
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]/gu, '');
}

/** Undefined where Slack does not say it, for whatever reason: doctor names the scope that is missing. */
async function askName(client: WebClient, user: string): Promise<string | undefined> {
  const found = await client.users.info({ user }).then(
    (answer) => answer.user,
    () => undefined,
  );
  return [found?.profile?.display_name, found?.real_name, found?.name]
    .map((name) => cleanUntrusted(name ?? '', 80).trim())
    .find((name) => name !== '');
}

const mention = /<@([UW][A-Z0-9]+)>/g;

/** Everybody a sentence mentions. */
export function mentionedIn(sentence: string): string[] {
  return [...sentence.matchAll(mention)].map(([, id = '']) => id);
}

/**
 * A message with the names of people instead of mentions. Slack notifies whom a posted message mentions, and has them
 * follow its thread from then on (Slack Help, Use mentions; Follow threads): nobody wants that for what they did
 * themselves. An edited message notifies nobody (known of chat.update, though its page does not say it), so there a
 * mention may remain where a name is not known.
 */
export async function withNames(
  message: Message,
  readNames: ReadNames,
  unknown: 'by-id' | 'mentioned',
): Promise<Message> {
  const ids = new Set(mentionedIn(message.text));
  mapMentions(message.blocks, (id) => ids.add(id));
  if (ids.size === 0) return message;
  const names = await readNames(ids);
  const nameOf = (id: string): string | undefined =>
    names.get(id) ?? (unknown === 'by-id' ? id : undefined);
  return {
    // Slack parses it: a name is no markup there, and begins no mention.
    text: message.text.replaceAll(mention, (whole, id: string) => {
      const name = nameOf(id);
      return name === undefined ? whole : escapeMrkdwn(name.replaceAll(/[*_~`@]/g, ''));
    }),
    blocks: mapMentions(message.blocks, (id, leaf) => {
      const name = nameOf(id);
      return name === undefined ? leaf : bold(`@${name}`);
    }),
  };
}

/** The same with something else for each person that rich text mentions. */
function mapMentions<T>(node: T, change: (id: string, leaf: object) => unknown): T;
function mapMentions(node: unknown, change: (id: string, leaf: object) => unknown): unknown {
  if (Array.isArray(node)) return node.map((one: unknown) => mapMentions(one, change));
  if (typeof node !== 'object' || node === null) return node;
  if ('user_id' in node && typeof node.user_id === 'string') return change(node.user_id, node);
  return Object.fromEntries(
    Object.entries(node).map(([key, value]) => [key, mapMentions<unknown>(value, change)]),
  );
}
