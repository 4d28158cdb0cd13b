import { identity } from '../identity.ts';
import type { Person } from '../options.ts';
import { SlackRefusal } from '../slack-refusal.ts';
import { openDirectMessage } from '../workspace.ts';
import type { Channel, SlackMessage, Workspace } from '../workspace.ts';

/** @throws SlackRefusal `user_not_found`. */
export function findPerson(workspace: Workspace, id: string): Person {
  const person = workspace.people.get(id);
  if (person === undefined) throw new SlackRefusal('user_not_found');
  return person;
}

/** True for channels whose existence the app may know of. */
function isVisibleToApp(channel: Channel): boolean {
  return channel.kind === 'public' || channel.members.has(identity.botUserId);
}

/**
 * A channel by its id, as methods that change something need it.
 * @throws SlackRefusal `channel_not_found`, also for private channels the app is not in.
 */
export function findChannelById(workspace: Workspace, id: string): Channel {
  const channel = workspace.channels.get(id);
  if (channel === undefined || !isVisibleToApp(channel))
    throw new SlackRefusal('channel_not_found');
  return channel;
}

function refuseUnreachable(workspace: Workspace, person: Person): void {
  if (person.bot === true) throw new SlackRefusal('cannot_dm_bot');
  if (person.deactivated === true) throw new SlackRefusal('user_disabled');
  if (workspace.manifest.features?.app_home?.messages_tab_enabled === false) {
    throw new SlackRefusal('messages_tab_disabled');
  }
}

/** @throws SlackRefusal where the app cannot write to this person. */
export function openDirectMessageWith(workspace: Workspace, user: string): Channel {
  refuseUnreachable(workspace, findPerson(workspace, user));
  return openDirectMessage(workspace, user);
}

/**
 * Where chat.postMessage posts: a channel's id or name, a direct message's id, or a user's id.
 * @throws SlackRefusal `channel_not_found` or `not_in_channel`.
 */
export function findPostingChannel(workspace: Workspace, target: string): Channel {
  if (workspace.people.has(target)) return openDirectMessageWith(workspace, target);
  const name = target.replace(/^#/, '');
  const named = [...workspace.channels.values()].find(
    (one) => one.kind !== 'im' && one.name === name,
  );
  const channel = named ?? findChannelById(workspace, target);
  if (!isVisibleToApp(channel)) throw new SlackRefusal('channel_not_found');
  const mayPostAnywhere =
    channel.kind === 'public' && workspace.scopes.includes('chat:write.public');
  if (!channel.members.has(identity.botUserId) && !mayPostAnywhere) {
    throw new SlackRefusal('not_in_channel');
  }
  return channel;
}

/** @throws SlackRefusal `message_not_found`. */
export function findMessage(channel: Channel, ts: string): SlackMessage {
  const message = channel.messages.find((one) => one.ts === ts);
  if (message === undefined || message.subtype === 'tombstone') {
    throw new SlackRefusal('message_not_found');
  }
  return message;
}

/**
 * @throws SlackRefusal `thread_not_found` when a reply names a message that is not there, and
 * `cannot_reply_to_message` when that message is itself a reply: Slack would lose it out of sight.
 */
export function refuseUnknownThread(channel: Channel, threadTs: string | undefined): void {
  if (threadTs === undefined) return;
  const parent = channel.messages.find((one) => one.ts === threadTs);
  if (parent === undefined) throw new SlackRefusal('thread_not_found');
  if ((parent.thread_ts ?? parent.ts) !== parent.ts) {
    throw new SlackRefusal('cannot_reply_to_message');
  }
}
