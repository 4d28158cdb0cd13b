import type { Person, WorkspaceView } from './workspace-view.ts';

/** Turns ids into names; an id nobody has stays visible as itself. */
export interface Directory {
  readonly me: string;
  /** Everyone a person can choose: no bots, nobody who left. */
  readonly people: readonly Person[];
  userName(id: string): string;
  channelName(id: string): string;
  groupHandle(id: string): string;
  isBot(id: string): boolean;
}

/** Slack speaks in this name when an app failed to answer; it is in no member list. */
const SLACKBOT = 'USLACKBOT';

export function makeDirectory(view: WorkspaceView): Directory {
  const users = new Map(view.people.map((person) => [person.id, person]));
  const channels = new Map(view.channels.map((channel) => [channel.id, channel.name]));
  const groups = new Map(view.userGroups.map((group) => [group.id, group.handle]));
  return {
    me: view.me,
    people: view.people.filter((person) => !person.isBot && !person.isDeactivated),
    userName: (id) => users.get(id)?.realName ?? (id === SLACKBOT ? 'Slackbot' : id),
    channelName: (id) => channels.get(id) ?? id,
    groupHandle: (id) => groups.get(id) ?? id,
    isBot: (id) => users.get(id)?.isBot ?? id === SLACKBOT,
  };
}
