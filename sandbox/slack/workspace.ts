import { identity } from './identity.ts';
import { Manifest } from './options.ts';
import type { Person, SlackOptions, UserGroup } from './options.ts';
import { createId, createStamps } from './stamps.ts';

/** A block as stored: checked, and with the ids Slack generates filled in. */
export type StoredBlock = { readonly type: string; readonly block_id: string } & Readonly<
  Record<string, unknown>
>;

/** A message as it travels in Slack's JSON. Replaced, never mutated, when it is updated. */
export interface SlackMessage {
  readonly type: 'message';
  readonly ts: string;
  readonly user: string;
  readonly team: string;
  readonly text: string;
  readonly bot_id?: string;
  readonly app_id?: string;
  readonly blocks?: readonly StoredBlock[];
  readonly thread_ts?: string;
  /** A reply that was sent to the channel as well, or what stays of a deleted parent. */
  readonly subtype?: 'thread_broadcast' | 'tombstone';
  readonly metadata?: unknown;
  readonly files?: readonly SharedFile[];
}

/** A file under a message. The real `url_private` wants the token; here it is free to fetch. */
export interface SharedFile {
  readonly id: string;
  readonly name: string;
  readonly title: string;
  readonly mimetype: string;
  readonly size: number;
  readonly url_private: string;
  readonly alt_txt?: string;
}

export interface Channel {
  readonly id: string;
  readonly name: string;
  readonly kind: 'public' | 'private' | 'im';
  readonly members: Set<string>;
  messages: readonly SlackMessage[];
}

export interface Ephemeral {
  readonly channel: string;
  readonly user: string;
  readonly message: SlackMessage;
}

/** The state of one input, in the shape Slack gives it under `view.state.values`. */
export type StateValue = { readonly type: string } & Readonly<Record<string, unknown>>;
/** block_id -> action_id -> value. */
export type StateValues = Readonly<Record<string, Readonly<Record<string, StateValue>>>>;

/** A view as it travels in Slack's JSON. */
export interface SlackView {
  readonly id: string;
  readonly team_id: string;
  readonly app_id: string;
  readonly app_installed_team_id: string;
  readonly bot_id: string;
  readonly type: 'modal' | 'home';
  readonly title: unknown;
  readonly submit: unknown;
  readonly close: unknown;
  readonly blocks: readonly StoredBlock[];
  readonly private_metadata: string;
  readonly callback_id: string;
  readonly external_id: string;
  readonly state: { readonly values: StateValues };
  readonly hash: string;
  readonly clear_on_close: boolean;
  readonly notify_on_close: boolean;
  readonly root_view_id: string;
  readonly previous_view_id: string | null;
}

/** A modal on somebody's screen, with what the app answered to its last submission. */
export interface OpenView {
  readonly view: SlackView;
  /** block_id -> text shown under the field. */
  readonly errors: Readonly<Record<string, string>>;
  /** Shown by Slack's client when the app did not answer as it should. */
  readonly trouble?: string;
}

export interface StoredFile {
  readonly id: string;
  readonly name: string;
  readonly length: number;
  readonly altText: string;
  title: string;
  bytes?: Uint8Array;
  completed: boolean;
}

/** Everything this Slack remembers. Changes go through messages.ts, views.ts and the web API. */
export interface Workspace {
  readonly manifest: Manifest;
  readonly scopes: readonly string[];
  readonly people: ReadonlyMap<string, Person>;
  readonly userGroups: readonly UserGroup[];
  readonly channels: Map<string, Channel>;
  readonly modals: Map<string, readonly OpenView[]>;
  readonly homes: Map<string, SlackView>;
  readonly files: Map<string, StoredFile>;
  ephemerals: readonly Ephemeral[];
  readonly now: () => number;
  readonly nextTs: () => string;
  /** Tells everyone who listens that something a person could see has changed. */
  changed(): void;
  onChange(listener: () => void): () => void;
}

function createApp(manifest: Manifest): Person {
  const name = manifest.features?.bot_user?.display_name ?? 'app';
  const realName = manifest.display_information?.name ?? name;
  return { id: identity.botUserId, name, realName, bot: true };
}

/** Builds the workspace from its seeds; throws when a seed names somebody who does not exist. */
export function createWorkspace(options: SlackOptions): Workspace {
  const manifest = Manifest.parse(options.manifest);
  const now = options.now ?? Date.now;
  const people = new Map([createApp(manifest), ...options.people].map((one) => [one.id, one]));
  const channels = new Map<string, Channel>();
  for (const seed of options.channels) {
    const stranger = seed.members.find((member) => !people.has(member));
    if (stranger !== undefined) {
      throw new Error(`#${seed.name} has a member nobody defined: add ${stranger} to people`);
    }
    channels.set(seed.id, {
      id: seed.id,
      name: seed.name,
      kind: seed.isPrivate === true ? 'private' : 'public',
      members: new Set(seed.members),
      messages: [],
    });
  }
  const listeners = new Set<() => void>();
  return {
    manifest,
    scopes: manifest.oauth_config.scopes.bot,
    people,
    userGroups: options.userGroups,
    channels,
    modals: new Map(),
    homes: new Map(),
    files: new Map(),
    ephemerals: [],
    now,
    nextTs: createStamps(now),
    changed() {
      for (const listener of listeners) listener();
    },
    onChange(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
  };
}

/** The direct conversation between the app and this person, made on first use. */
export function openDirectMessage(workspace: Workspace, user: string): Channel {
  const known = [...workspace.channels.values()].find(
    (channel) => channel.kind === 'im' && channel.members.has(user),
  );
  if (known !== undefined) return known;
  const made: Channel = {
    id: createId('D'),
    name: 'directmessage',
    kind: 'im',
    members: new Set([identity.botUserId, user]),
    messages: [],
  };
  workspace.channels.set(made.id, made);
  return made;
}
