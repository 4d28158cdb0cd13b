import { identity } from './identity.ts';
import type { UserGroup } from './options.ts';
import type {
  Channel,
  Ephemeral,
  OpenView,
  SlackMessage,
  SlackView,
  Workspace,
} from './workspace.ts';

interface ChannelView {
  readonly id: string;
  readonly name: string;
  readonly kind: Channel['kind'];
  readonly members: readonly string[];
  /** Oldest first, thread replies included. */
  readonly messages: readonly SlackMessage[];
}

/** Everything there is, for tests and the demo. Plain values; reading it again shows changes. */
export interface WorkspaceView {
  readonly channels: readonly ChannelView[];
  readonly ephemerals: readonly Ephemeral[];
  /** Per person the stack of open modals, the top one last. */
  readonly modals: ReadonlyMap<string, readonly OpenView[]>;
  readonly homes: ReadonlyMap<string, SlackView>;
  readonly files: readonly {
    readonly id: string;
    readonly name: string;
    readonly title: string;
    readonly altText: string;
    readonly length: number;
    readonly completed: boolean;
  }[];
}

function toChannelView(channel: Channel): ChannelView {
  const { id, name, kind, members, messages } = channel;
  return { id, name, kind, members: [...members], messages };
}

export function readWorkspace(workspace: Workspace): WorkspaceView {
  return {
    channels: [...workspace.channels.values()].map(toChannelView),
    ephemerals: workspace.ephemerals,
    modals: new Map(workspace.modals),
    homes: new Map(workspace.homes),
    files: [...workspace.files.values()].map(({ bytes: _bytes, ...file }) => file),
  };
}

/** A message as one person sees it. */
type SeenMessage = SlackMessage & { readonly is_ephemeral: boolean };

/** What one person may see: their channels, their ephemerals, their modal, their Home. */
interface PersonView {
  readonly team: { readonly id: string; readonly name: string };
  readonly app: { readonly user: string; readonly name: string };
  readonly me: string;
  readonly people: readonly {
    readonly id: string;
    readonly name: string;
    readonly realName: string;
    readonly isBot: boolean;
    readonly isGuest: boolean;
    readonly isDeactivated: boolean;
  }[];
  readonly userGroups: readonly UserGroup[];
  readonly commands: readonly {
    readonly command: string;
    readonly description: string;
    readonly usageHint: string;
  }[];
  readonly channels: readonly (Omit<ChannelView, 'messages'> & {
    readonly messages: readonly SeenMessage[];
  })[];
  /** The modal on top, how many lie on top of each other, and what went wrong with it. */
  readonly modal: (OpenView & { readonly depth: number }) | null;
  readonly home: SlackView | null;
}

function toSeenMessages(
  workspace: Workspace,
  channel: Channel,
  user: string,
): readonly SeenMessage[] {
  const own = workspace.ephemerals.filter((one) => one.channel === channel.id && one.user === user);
  return [
    ...channel.messages.map((message) => ({ ...message, is_ephemeral: false })),
    ...own.map(({ message }) => ({ ...message, is_ephemeral: true })),
  ].sort((a, b) => Number(a.ts) - Number(b.ts));
}

/** The workspace through one person's eyes, or undefined when there is no such person. */
export function readPersonView(workspace: Workspace, user: string): PersonView | undefined {
  const person = workspace.people.get(user);
  if (person === undefined) return undefined;
  const stack = workspace.modals.get(user) ?? [];
  const top = stack.at(-1);
  return {
    team: { id: identity.teamId, name: identity.teamName },
    app: {
      user: identity.botUserId,
      name: workspace.people.get(identity.botUserId)?.realName ?? '',
    },
    me: person.id,
    people: [...workspace.people.values()].map((one) => ({
      id: one.id,
      name: one.name,
      realName: one.realName,
      isBot: one.bot === true,
      isGuest: (one.guest ?? false) !== false,
      isDeactivated: one.deactivated === true,
    })),
    userGroups: workspace.userGroups,
    commands: (workspace.manifest.features?.slash_commands ?? []).map((one) => ({
      command: one.command,
      description: one.description ?? '',
      usageHint: one.usage_hint ?? '',
    })),
    channels: [...workspace.channels.values()]
      .filter((channel) => channel.members.has(user))
      .map((channel) => ({
        ...toChannelView(channel),
        messages: toSeenMessages(workspace, channel, user),
      })),
    modal: top === undefined ? null : { ...top, depth: stack.length },
    home: workspace.homes.get(user) ?? null,
  };
}
