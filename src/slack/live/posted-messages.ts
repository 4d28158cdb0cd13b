import { WebAPIPlatformError } from '@slack/web-api';
import type { ConversationsHistoryResponse, WebClient } from '@slack/web-api';
import type { Logger } from 'pino';
import type { Place } from '../../runbook/approvals/notices.ts';
import type { Outbox } from './outbox.ts';

/** The `event_type` of what travels unseen in dbconn's messages. */
const eventType = 'dbconn';

/** What tells a message of dbconn's from every other one: it travels in the message, unseen. Any app may read it. */
export function keyed(key: string): {
  readonly metadata: {
    readonly event_type: string;
    readonly event_payload: { readonly key: string };
  };
} {
  return { metadata: { event_type: eventType, event_payload: { key } } };
}

/** A message of dbconn's own that bears a key. */
export interface Keyed {
  readonly ts: string;
  readonly key: string;
}

/**
 * What dbconn itself has said already, read back from Slack: after being killed nobody else knows. Undefined where
 * Slack does not let it read, which is logged once.
 */
export interface PostedMessages {
  /** In a channel since that moment (UTC ISO text), the newest first. */
  inChannel(channel: string, since: string): Promise<readonly Keyed[] | undefined>;
  /** In a message's thread after that reply, the oldest first. */
  inThread(place: Place, afterTs?: string): Promise<readonly Keyed[] | undefined>;
  /** In a person's direct messages, the newest first. */
  inDirect(user: string, since: string): Promise<readonly Keyed[] | undefined>;
}

/** As much as Slack gives at once, and no more pages than a busy night fills. */
const perPage = 200;
const mostPages = 5;
/** Slack's clock and this machine's need not agree. */
const skewSeconds = 120;

/** Refusals that say that dbconn may not read there. Anything else is a failure, and thrown. */
const unreadable = new Set([
  'missing_scope',
  'unknown_method',
  'method_not_supported_for_channel_type',
  'not_in_channel',
  'channel_not_found',
  'no_permission',
  'access_denied',
]);

interface PostedMessagesParts {
  readonly client: WebClient;
  readonly outbox: Outbox;
  readonly log: Logger;
}

type Message = NonNullable<ConversationsHistoryResponse['messages']>[number];
interface Page {
  readonly messages?: readonly Message[];
  readonly response_metadata?: { readonly next_cursor?: string };
}

export function createPostedMessages(parts: PostedMessagesParts): PostedMessages {
  const { client, outbox } = parts;
  const { history, open, replies } = client.conversations;
  const { all, readable } = createReader(parts);
  const inChannel = (channel: string, since: string): Promise<readonly Keyed[]> => {
    const oldest = String(Math.floor(Date.parse(since) / 1000) - skewSeconds);
    return all((cursor) => history({ channel, oldest, ...pageParams(cursor) }));
  };
  return {
    inChannel: (channel, since) => readable('the channel', () => inChannel(channel, since)),
    inThread: ({ channel, ts }, afterTs) =>
      readable('a thread', () =>
        all((cursor) =>
          replies({
            channel,
            ts,
            ...(afterTs !== undefined && { oldest: afterTs }),
            ...pageParams(cursor),
          }),
        ),
      ),
    inDirect: (user, since) =>
      readable('direct messages', async () => {
        const { channel } = await outbox.send(() => open({ users: user }), 'repeatable');
        return channel?.id === undefined ? [] : inChannel(channel.id, since);
      }),
  };
}

interface Reader {
  /** Dbconn's own keyed messages on all pages that are worth reading. */
  readonly all: (read: (cursor: string) => Promise<Page>) => Promise<readonly Keyed[]>;
  /** Undefined where Slack does not let dbconn read. */
  readonly readable: <T>(where: string, read: () => Promise<T>) => Promise<T | undefined>;
}

function createReader({ client, outbox, log }: PostedMessagesParts): Reader {
  const warned = new Set<string>();
  let own: Promise<string | undefined> | undefined;
  const ownId = async (): Promise<string | undefined> => {
    own ??= outbox.send(() => client.auth.test(), 'repeatable').then(({ user_id: id }) => id);
    try {
      return await own;
    } catch (error) {
      // Asked for again next time.
      own = undefined;
      throw error;
    }
  };
  return {
    async all(read) {
      const id = await ownId();
      const found: Keyed[] = [];
      let cursor = '';
      for (let page = 1; page <= mostPages; page += 1) {
        const { messages = [], response_metadata: next } = await outbox.send(
          () => read(cursor),
          'repeatable',
        );
        // Another app may write what it likes into its own messages.
        found.push(...messages.filter(({ user }) => user === id).flatMap(toKeyed));
        cursor = next?.next_cursor ?? '';
        if (cursor === '') break;
      }
      return found;
    },
    async readable(where, read) {
      try {
        return await read();
      } catch (err) {
        if (!(err instanceof WebAPIPlatformError) || !unreadable.has(err.data.error)) throw err;
        const words =
          'Slack does not let dbconn read what it said: after a kill it may repeat itself';
        if (!warned.has(where)) log.warn({ where, problem: err.data.error }, words);
        warned.add(where);
        return undefined;
      }
    },
  };
}

function pageParams(cursor: string): {
  readonly limit: number;
  readonly include_all_metadata: true;
  readonly cursor?: string;
} {
  return { limit: perPage, include_all_metadata: true, ...(cursor !== '' && { cursor }) };
}

function toKeyed({ ts, metadata }: Message): Keyed[] {
  const payload: unknown = metadata?.event_payload;
  if (ts === undefined || metadata?.event_type !== eventType) return [];
  if (typeof payload !== 'object' || payload === null || !('key' in payload)) return [];
  return typeof payload.key === 'string' ? [{ ts, key: payload.key }] : [];
}
