import type { App } from '@slack/bolt';
import { homeActions } from '../messages/kit/action-ids.ts';
import { toActor } from '../to-actor.ts';
import type { Home } from './create-home.ts';

/** Slack tells when a person opens the app; its Messages tab tells the same and needs nothing. */
export function registerHome(app: App, home: Home): void {
  app.event('app_home_opened', async ({ event }) => {
    if (event.tab === 'home') await home.opened(toActor(event.user, undefined));
  });
  // Slack follows the address of such a button by itself, and still wants to hear that the press arrived.
  for (const id of homeActions) app.action(id, async ({ ack }) => ack());
}
