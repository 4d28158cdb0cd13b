import { z } from 'zod';
import { identity } from '../identity.ts';
import { SlackRefusal } from '../slack-refusal.ts';
import type { Channel, SlackMessage, Workspace } from '../workspace.ts';
import { findChannelById } from './lookup.ts';
import { countArgument, defineMethod, flagArgument } from './method.ts';

/** Reading is a scope of its own for every kind of conversation. */
const SCOPE_OF_KIND = {
  public: 'channels:history',
  private: 'groups:history',
  im: 'im:history',
} as const;
const SCOPES = [...Object.values(SCOPE_OF_KIND), 'mpim:history'];

const MAX_HISTORY_PAGE = 999;
const MAX_REPLIES_PAGE = 1000;

const range = {
  channel: z.string(),
  cursor: z.string().optional(),
  limit: countArgument.optional(),
  oldest: z.string().optional(),
  latest: z.string().optional(),
  inclusive: flagArgument,
  include_all_metadata: flagArgument,
};
const Range = z.strictObject(range);
type Range = z.infer<typeof Range>;
const Replies = Range.extend({ ts: z.string() });

/**
 * A conversation the app may read.
 * @throws SlackRefusal `channel_not_found`, `missing_scope` for this kind, `not_in_channel`.
 */
function findReadableChannel(workspace: Workspace, id: string): Channel {
  const channel = findChannelById(workspace, id);
  const needed = SCOPE_OF_KIND[channel.kind];
  if (!workspace.scopes.includes(needed)) {
    throw new SlackRefusal('missing_scope', { needed, provided: workspace.scopes.join(',') });
  }
  if (!channel.members.has(identity.botUserId)) throw new SlackRefusal('not_in_channel');
  return channel;
}

function readTs(ts: string | undefined, fallback: number, refusal: string): number {
  if (ts === undefined || ts === '') return fallback;
  if (!/^\d{1,12}(\.\d{1,6})?$/.test(ts)) throw new SlackRefusal(refusal);
  return Number(ts);
}

/** Which messages lie between `oldest` and `latest`; the edges count only when asked for. */
function isBetween(args: Range): (message: SlackMessage) => boolean {
  const oldest = readTs(args.oldest, 0, 'invalid_ts_oldest');
  const latest = readTs(args.latest, Infinity, 'invalid_ts_latest');
  return ({ ts }) => {
    const at = Number(ts);
    return args.inclusive === true ? at >= oldest && at <= latest : at > oldest && at < latest;
  };
}

function readCursor(cursor = ''): number | undefined {
  if (cursor === '') return undefined;
  const [, ts] = /^next_ts:(\d{1,18})$/.exec(Buffer.from(cursor, 'base64').toString()) ?? [];
  if (ts === undefined) throw new SlackRefusal('invalid_cursor');
  return Number(ts) / 1e6;
}

function writeCursor({ ts }: SlackMessage): string {
  return Buffer.from(`next_ts:${ts.replace('.', '')}`).toString('base64');
}

function readLimit(given: number | undefined, fallback: number, most: number): number {
  const limit = given ?? fallback;
  if (limit < 1 || limit > most) throw new SlackRefusal('invalid_limit');
  return limit;
}

/** A message as it is read back: what hangs under it, and its metadata only when asked for. */
function toRead(channel: Channel, message: SlackMessage, args: Range): object {
  const { metadata, ...bare } = message;
  const replies = channel.messages.filter(
    ({ thread_ts: root, ts }) => root === message.ts && ts !== message.ts,
  );
  const last = replies.at(-1);
  const users = [...new Set(replies.map(({ user }) => user))];
  return {
    ...bare,
    ...(args.include_all_metadata === true && metadata !== undefined && { metadata }),
    ...(last !== undefined && {
      thread_ts: message.ts,
      reply_count: replies.length,
      reply_users_count: users.length,
      reply_users: users,
      latest_reply: last.ts,
      is_locked: false,
      subscribed: true,
    }),
  };
}

function toPage(
  messages: readonly object[],
  next: SlackMessage | undefined,
): Readonly<Record<string, unknown>> {
  return {
    messages,
    has_more: next !== undefined,
    ...(next !== undefined && { response_metadata: { next_cursor: writeCursor(next) } }),
  };
}

export const historyMethods = {
  // Newest first. Replies are not part of it, unless they were sent to the channel as well.
  'conversations.history': defineMethod({
    scopes: SCOPES,
    tier: 'tier3',
    args: Range,
    run({ workspace }, args) {
      const channel = findReadableChannel(workspace, args.channel);
      const limit = readLimit(args.limit, 100, MAX_HISTORY_PAGE);
      const before = readCursor(args.cursor) ?? Infinity;
      const found = channel.messages
        .filter(({ thread_ts: root, subtype }) => root === undefined || subtype !== undefined)
        .filter(isBetween(args))
        .filter(({ ts }) => Number(ts) < before)
        .toReversed();
      const page = found.slice(0, limit);
      return {
        ...toPage(
          page.map((message) => toRead(channel, message, args)),
          found.length > page.length ? page.at(-1) : undefined,
        ),
        pin_count: 0,
      };
    },
  }),
  // Oldest first, and the parent leads every page, whatever range was asked for.
  'conversations.replies': defineMethod({
    scopes: SCOPES,
    tier: 'tier3',
    args: Replies,
    run({ workspace }, { ts, ...args }) {
      const channel = findReadableChannel(workspace, args.channel);
      const limit = readLimit(args.limit, MAX_REPLIES_PAGE, MAX_REPLIES_PAGE);
      const after = readCursor(args.cursor) ?? 0;
      const named = channel.messages.find((one) => one.ts === ts);
      const root = channel.messages.find((one) => one.ts === (named?.thread_ts ?? ts));
      if (root === undefined) throw new SlackRefusal('thread_not_found');
      const found = channel.messages
        .filter((one) => one.thread_ts === root.ts && one.ts !== root.ts)
        .filter(isBetween(args))
        .filter((one) => Number(one.ts) > after);
      const page = found.slice(0, Math.max(1, limit - 1));
      return toPage(
        [root, ...page].map((message) => toRead(channel, message, args)),
        found.length > page.length ? page.at(-1) : undefined,
      );
    },
  }),
};
