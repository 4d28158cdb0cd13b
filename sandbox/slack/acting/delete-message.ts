import { removeMessage } from '../messages.ts';
import type { Sandbox } from '../sandbox.ts';
import { findActor, findOwnChannel, Impossible, settle } from './act.ts';
import type { ActResult } from './act.ts';

/**
 * A person deletes a message, their own or, as an administrator may, the app's. Slack tells only
 * apps that read the channel's events about it, so nothing is delivered.
 */
export async function deleteMessage(
  sandbox: Sandbox,
  deleting: { readonly user: string; readonly channel: string; readonly ts: string },
): Promise<ActResult> {
  return settle(async () => {
    const { workspace } = sandbox;
    const person = findActor(workspace, deleting.user);
    const channel = findOwnChannel(workspace, person, deleting.channel);
    const message = channel.messages.find(({ ts }) => ts === deleting.ts);
    if (message === undefined || message.subtype === 'tombstone') {
      throw new Impossible(`there is no message ${deleting.ts} here`);
    }
    removeMessage(workspace, channel, message.ts);
    return Promise.resolve({ acked: true });
  });
}
