import type { DeliveryError } from '../delivery.ts';
import type { Person } from '../options.ts';
import { identity } from '../identity.ts';
import type { Channel, OpenView, Workspace } from '../workspace.ts';

/** How something a person did ended, as far as they can tell. */
export interface ActResult {
  /** The app acknowledged in time. */
  readonly acked: boolean;
  /** Slack's word for a failed delivery, or why the person could not do it at all. */
  readonly error?: DeliveryError | (string & {});
  /** block_id -> text under the field, from Slack's client or from the app. */
  readonly errors?: Readonly<Record<string, string>>;
}

/** The person cannot do this: there is no such button, channel or command for them. */
export class Impossible extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'Impossible';
  }
}

/** @throws Impossible for strangers, bots and people who have left. */
export function findActor(workspace: Workspace, user: string): Person {
  const person = workspace.people.get(user);
  if (person === undefined) throw new Impossible(`nobody here is ${user}`);
  if (person.bot === true) throw new Impossible(`${person.name} is a bot and presses nothing`);
  if (person.deactivated === true) throw new Impossible(`${person.name} is deactivated`);
  return person;
}

/** @throws Impossible for channels the person is not in. */
export function findOwnChannel(workspace: Workspace, person: Person, channelId: string): Channel {
  const channel = workspace.channels.get(channelId);
  if (channel?.members.has(person.id) !== true) {
    throw new Impossible(`${person.name} is in no channel ${channelId}`);
  }
  return channel;
}

/** @throws Impossible unless this modal is the one on top of the person's screen. */
export function findTopModal(workspace: Workspace, person: Person, viewId: string): OpenView {
  const top = workspace.modals.get(person.id)?.at(-1);
  if (top?.view.id !== viewId) {
    throw new Impossible(`${person.name} does not have the modal ${viewId} in front of them`);
  }
  return top;
}

/** Runs one act; what a person cannot do becomes a result, not an exception. */
export async function settle(act: () => Promise<ActResult>): Promise<ActResult> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof Impossible)) throw error;
    return { acked: false, error: error.message };
  }
}

/** The fields every interaction payload has. */
export function toInteraction(person: Person): Readonly<Record<string, unknown>> {
  return {
    team: { id: identity.teamId, domain: identity.teamDomain },
    user: {
      id: person.id,
      username: person.name,
      name: person.name,
      team_id: person.team ?? identity.teamId,
    },
    api_app_id: identity.appId,
    token: identity.verificationToken,
    enterprise: null,
    is_enterprise_install: false,
  };
}
