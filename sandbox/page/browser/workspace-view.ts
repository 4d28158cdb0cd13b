import type { PlainTextElement } from '@slack/types';

/** What GET /_sandbox/state answers: the workspace through one person's eyes. */
export interface WorkspaceView {
  readonly team: { readonly name: string };
  readonly app: { readonly user: string; readonly name: string };
  readonly me: string;
  readonly people: readonly Person[];
  readonly userGroups: readonly { readonly id: string; readonly handle: string }[];
  readonly commands: readonly SlashCommand[];
  readonly channels: readonly Channel[];
  /** The modal on top, and how many lie on top of each other. */
  readonly modal: OpenModal | null;
  readonly home: View | null;
}

export interface Person {
  readonly id: string;
  readonly name: string;
  readonly realName: string;
  readonly isBot: boolean;
  readonly isGuest: boolean;
  readonly isDeactivated: boolean;
}

interface SlashCommand {
  readonly command: string;
  readonly description: string;
  readonly usageHint: string;
}

export interface Channel {
  readonly id: string;
  readonly name: string;
  readonly kind: 'public' | 'private' | 'im';
  readonly members: readonly string[];
  /** Oldest first, replies within threads included. */
  readonly messages: readonly Message[];
}

export interface Message {
  readonly ts: string;
  readonly user: string;
  readonly text: string;
  readonly is_ephemeral: boolean;
  readonly thread_ts?: string;
  readonly blocks?: readonly SentBlock[];
  /** A reply that was sent to the channel as well, or what stays of a deleted parent. */
  readonly subtype?: 'thread_broadcast' | 'tombstone';
  readonly files?: readonly SharedFile[];
}

export interface SharedFile {
  readonly id: string;
  readonly name: string;
  readonly title: string;
  readonly mimetype: string;
  /** In bytes. */
  readonly size: number;
  readonly alt_txt?: string;
}

/** A block as it came over the wire. */
export interface SentBlock {
  readonly type: string;
  readonly block_id: string;
}

export interface OpenModal {
  readonly view: View;
  /** block_id -> what is wrong with the field. */
  readonly errors: Readonly<Record<string, string>>;
  readonly trouble?: string;
  readonly depth: number;
}

/** A modal or a Home tab. Slack's `title`, `submit` and `close` are null where there is none. */
export interface View {
  readonly id: string;
  readonly hash: string;
  readonly blocks: readonly SentBlock[];
  readonly title: PlainTextElement | null;
  readonly submit: PlainTextElement | null;
  readonly close: PlainTextElement | null;
}

/** What stands in the channel itself: no replies, but for those that were sent there as well. */
export function isInChannel(message: Message): boolean {
  return !isReply(message) || message.subtype === 'thread_broadcast';
}

/** Replies apart from what stands in the channel itself. */
export function isReply(message: Message): boolean {
  return message.thread_ts !== undefined && message.thread_ts !== message.ts;
}
