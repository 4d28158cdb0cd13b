import { identity } from '../identity.ts';
import type { Sandbox } from '../sandbox.ts';
import { openDirectMessage } from '../workspace.ts';
import { findActor, settle } from './act.ts';
import type { ActResult } from './act.ts';

/** A person opens the app's Home tab. */
export async function openHome(
  sandbox: Sandbox,
  opening: { readonly user: string },
): Promise<ActResult> {
  return settle(async () => {
    const { workspace, delivery } = sandbox;
    const person = findActor(workspace, opening.user);
    const events = workspace.manifest.settings?.event_subscriptions?.bot_events ?? [];
    if (!events.includes('app_home_opened')) return { acked: true };
    const eventTs = workspace.nextTs();
    const home = workspace.homes.get(person.id);
    const acknowledgement = await delivery.deliver({
      type: 'events_api',
      payload: {
        type: 'event_callback',
        token: identity.verificationToken,
        team_id: identity.teamId,
        api_app_id: identity.appId,
        event_id: `Ev${eventTs.replace('.', '')}`,
        event_time: Math.trunc(Number(eventTs)),
        authorizations: [
          {
            enterprise_id: null,
            team_id: identity.teamId,
            user_id: identity.botUserId,
            is_bot: true,
            is_enterprise_install: false,
          },
        ],
        event: {
          type: 'app_home_opened',
          user: person.id,
          channel: openDirectMessage(workspace, person.id).id,
          tab: 'home',
          event_ts: eventTs,
          ...(home !== undefined && { view: home }),
        },
      },
    });
    return acknowledgement.acked ? { acked: true } : acknowledgement;
  });
}
