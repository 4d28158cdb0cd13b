import { z } from 'zod';
import type { Said } from '../../sandbox/slack/options.ts';
import { toNewsLines } from './news-lines.ts';

/** What was said, as it was sent: a message as it came and as it stood in the end, and what only one person saw. */
export interface Transcript {
  readonly hear: (said: Said) => void;
  /** Whether this message is told here. */
  readonly knows: (ts: unknown) => boolean;
  /** What a pager was sent. */
  readonly page: (path: string, body: unknown) => void;
  /** In the order things came, by place. What stood between the first and the last writing is the clock’s choice. */
  toJson(): Readonly<Record<string, unknown>>;
}

type Content = Readonly<Record<string, unknown>>;

/** Something that was said once and may have been edited. */
interface Entry {
  readonly key: string;
  readonly thread: string | undefined;
  readonly first: Content;
  last: Content;
}

const Place = z.object({ channel: z.string(), ts: z.string() });
const View = z.looseObject({ view: z.looseObject({ id: z.string() }) });
/** Sent as text within a form. */
const structured = new Set(['blocks', 'metadata', 'view', 'files']);

export function createTranscript(): Transcript {
  const channels = new Map<string, Entry[]>();
  const onlyFor = new Map<string, Content[]>();
  const dialogs = new Map<string, Content[]>();
  const homes = new Map<string, Content>();
  const files = new Map<string, Content>();
  const pager: Content[] = [];

  const hear = ({ what, args: sent, answer }: Said): void => {
    const { token: _, ...args } = parseArguments(sent);
    switch (what) {
      case 'chat.postMessage': {
        const { channel, ts: key } = Place.parse(answer);
        const thread = toText(args['thread_ts']);
        const { channel: _channel, thread_ts: _thread, ...content } = args;
        append(channels, channel, { key, thread, first: content, last: content });
        return;
      }
      case 'chat.update':
      case 'chat.delete': {
        const { channel, ts } = Place.parse(args);
        const entry = channels.get(channel)?.find(({ key }) => key === ts);
        const { channel: _channel, ts: _ts, ...content } = args;
        if (entry !== undefined) entry.last = what === 'chat.delete' ? { deleted: true } : content;
        return;
      }
      case 'chat.postEphemeral':
        append(onlyFor, toText(args['user']) ?? '', args);
        return;
      case 'response_url':
        append(onlyFor, toText(answer['user']) ?? '', args);
        return;
      case 'views.open':
      case 'views.push':
      case 'views.update':
        append(dialogs, View.parse(answer).view.id, { [what]: args['view'] });
        return;
      case 'view_submission':
        append(dialogs, View.parse(answer).view.id, args);
        return;
      case 'views.publish':
        homes.set(toText(args['user_id']) ?? '', args);
        return;
      case 'upload':
        files.set(toText(args['id']) ?? '', { text: (toText(args['text']) ?? '').split('\n') });
        return;
      case 'files.completeUploadExternal':
        append(channels, toText(args['channel_id']) ?? '', toFileEntry(args, files));
        return;
      default:
      // Whatever else is called reads, and says nothing.
    }
  };
  return {
    hear,
    knows: (ts) => [...channels.values()].some((all) => all.some(({ key }) => key === ts)),
    page: (path, body) => void pager.push({ path, body }),
    toJson: () => ({
      channels: Object.fromEntries([...channels].map(([id, all]) => [id, toThreads(all)])),
      onlyFor: Object.fromEntries([...onlyFor].toSorted(([a], [b]) => (a < b ? -1 : 1))),
      dialogs: [...dialogs.values()],
      homes: Object.fromEntries(homes),
      pager,
    }),
  };
}

function append<T>(map: Map<string, T[]>, key: string, one: T): void {
  map.set(key, [...(map.get(key) ?? []), one]);
}

function parseArguments(args: Content): Content {
  const entries = Object.entries(args).map(([key, value]): [string, unknown] =>
    structured.has(key) && typeof value === 'string' ? [key, JSON.parse(value)] : [key, value],
  );
  return Object.fromEntries(entries);
}

const Completed = z.looseObject({ files: z.tuple([z.looseObject({ id: z.string() })]) });

function toFileEntry(args: Content, files: ReadonlyMap<string, Content>): Entry {
  const { id, ...rest } = Completed.parse(args).files[0];
  const first = { comment: args['initial_comment'], ...rest, ...files.get(id) };
  return { key: id, thread: toText(args['thread_ts']), first, last: first };
}

function toText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Each message with its thread below it. News that Slack’s pace bundles is told line by line. */
function toThreads(all: readonly Entry[]): unknown[] {
  const parents = all.filter(({ thread }) => thread === undefined);
  const known = new Set(parents.map(({ key }) => key));
  const orphans = all.filter(({ thread }) => thread !== undefined && !known.has(thread));
  return [
    ...parents.map((parent) => {
      const replies = all.filter(({ thread }) => thread === parent.key);
      return {
        ...toStates(parent),
        ...(replies.length > 0 && { thread: replies.flatMap(toReply) }),
      };
    }),
    ...orphans.flatMap(toReply),
  ];
}

function toReply(entry: Entry): unknown[] {
  return toNewsLines(entry.first) ?? [toStates(entry)];
}

function toStates({ first, last, thread }: Entry): Readonly<Record<string, unknown>> {
  // How far a look has come when an incident is first shown, and how often it is shown, is the clock’s choice.
  if (thread === undefined && isIncident(first)) return { stands: { ...first, ...last } };
  const isSame = JSON.stringify(first) === JSON.stringify(last);
  return isSame ? { posted: first } : { posted: first, stands: last };
}

const OfIncident = z.looseObject({
  metadata: z.looseObject({ event_payload: z.looseObject({ key: z.string().startsWith('inc-') }) }),
});

function isIncident(content: Content): boolean {
  return OfIncident.safeParse(content).success;
}
