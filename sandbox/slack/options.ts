import { z } from 'zod';

/** What this Slack reads of a Slack app manifest; everything else in it is left alone. */
export const Manifest = z.looseObject({
  display_information: z.looseObject({ name: z.string() }).optional(),
  features: z
    .looseObject({
      app_home: z
        .looseObject({
          home_tab_enabled: z.boolean().optional(),
          messages_tab_enabled: z.boolean().optional(),
        })
        .optional(),
      bot_user: z.looseObject({ display_name: z.string() }).optional(),
      slash_commands: z
        .array(
          z.looseObject({
            command: z.string().startsWith('/'),
            description: z.string().optional(),
            usage_hint: z.string().optional(),
            should_escape: z.boolean().optional(),
          }),
        )
        .optional(),
    })
    .optional(),
  oauth_config: z.looseObject({ scopes: z.looseObject({ bot: z.array(z.string()) }) }),
  settings: z
    .looseObject({
      event_subscriptions: z.looseObject({ bot_events: z.array(z.string()).optional() }).optional(),
    })
    .optional(),
});
export type Manifest = z.infer<typeof Manifest>;

export interface Person {
  readonly id: string;
  readonly name: string;
  readonly realName: string;
  /** A guest, of several channels or of one: `is_restricted` and `is_ultra_restricted` in users.info. */
  readonly guest?: boolean | 'single-channel';
  /** The workspace of somebody who comes through Slack Connect; this one when absent. */
  readonly team?: string;
  readonly bot?: boolean;
  readonly deactivated?: boolean;
  /** IANA name; UTC when absent. */
  readonly tz?: string;
}

interface ChannelSeed {
  readonly id: string;
  readonly name: string;
  /** User ids; name `identity.botUserId` here to invite the app. */
  readonly members: readonly string[];
  readonly isPrivate?: boolean;
}

export interface UserGroup {
  readonly id: string;
  readonly handle: string;
  readonly members: readonly string[];
  /** Slack keeps disabled groups, and finds them only when asked to. */
  readonly disabled?: boolean;
}

/** A file of the web page, or undefined where the page has none under that path. */
export type Page = (path: string) => Promise<
  | {
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string | Uint8Array;
    }
  | undefined
>;

/** Something the app said and Slack took: a call, a post to a response_url, an upload, an answer to a dialog. */
export interface Said {
  /** `chat.postMessage`, `response_url`, `upload`, `view_submission`. */
  readonly what: string;
  /** As it was sent. */
  readonly args: Readonly<Record<string, unknown>>;
  /** What Slack answered: the ids it gave. */
  readonly answer: Readonly<Record<string, unknown>>;
}

export interface SlackOptions {
  /** The address to listen on, 127.0.0.1 when absent: from a container that is another machine's. */
  readonly host?: string;
  /** Its port; a free one when absent or 0. */
  readonly port?: number;
  /** The parsed manifest: its slash commands, bot scopes and event subscriptions hold here. */
  readonly manifest: unknown;
  readonly mode: 'socket' | 'http';
  /** Where http mode delivers; may be set later with setRequestUrl. */
  readonly requestUrl?: string;
  readonly signingSecret: string;
  readonly botToken: string;
  readonly appToken: string;
  readonly people: readonly Person[];
  readonly channels: readonly ChannelSeed[];
  readonly userGroups: readonly UserGroup[];
  /** Unix milliseconds; governs timestamps, trigger and response_url expiry and rate limits. */
  readonly now?: () => number;
  /** False switches 429 off, for tests that are not about it. */
  readonly rateLimits?: boolean;
  /** Slack waits 3,000 ms for an acknowledgement; a test on a slow machine may wait longer. */
  readonly ackTimeoutMs?: number;
  readonly page?: Page;
  /** Where its sockets are reached, such as `ws://127.0.0.1:9000`, where something is in between; its own address unless given. */
  readonly socketUrl?: () => string;
  /** Hears everything the app says, in the order Slack takes it. */
  readonly onSaid?: (said: Said) => void;
}
