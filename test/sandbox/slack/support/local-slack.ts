import { onTestFinished } from 'vitest';
import { identity } from '../../../../sandbox/slack/identity.ts';
import type { SlackOptions } from '../../../../sandbox/slack/options.ts';
import { startSlack } from '../../../../sandbox/slack/server.ts';
import type { LocalSlack } from '../../../../sandbox/slack/server.ts';

export const BOT_TOKEN = 'xoxb-local';
export const APP_TOKEN = 'xapp-local';
export const SIGNING_SECRET = 'a-signing-secret-of-the-tests';

export const ADA = 'U0000000ADA';
export const BOB = 'U0000000BOB';
export const EVE = 'U0000000EVE';
export const GONE = 'U000000GONE';
export const DATABASE = 'C00DATABASE';
export const LOBBY = 'C0000LOBBY';
export const SECRET = 'C000SECRET';
export const ONCALL = 'S000ONCALL';

/** Every scope a method here can need, so that a test takes away exactly what it is about. */
export const ALL_SCOPES = [
  'commands',
  'chat:write',
  'im:write',
  'users:read',
  'usergroups:read',
  'files:write',
  'channels:read',
  'channels:history',
  'groups:history',
  'im:history',
];

export function createManifest(scopes: readonly string[] = ALL_SCOPES): object {
  return {
    display_information: { name: 'dbconn' },
    features: {
      app_home: { home_tab_enabled: true, messages_tab_enabled: true },
      bot_user: { display_name: 'dbconn' },
      slash_commands: [
        { command: '/dbconn', description: 'Look', usage_hint: 'status' },
        { command: '/escaped', description: 'Look', should_escape: true },
      ],
    },
    oauth_config: { scopes: { bot: scopes } },
    settings: { event_subscriptions: { bot_events: ['app_home_opened'] } },
  };
}

/** A Slack with three people, #database (the app is in it), #lobby and a private #secret (it is not). */
export async function startTestSlack(overrides: Partial<SlackOptions> = {}): Promise<LocalSlack> {
  const slack = await startSlack({
    manifest: createManifest(),
    mode: 'socket',
    signingSecret: SIGNING_SECRET,
    botToken: BOT_TOKEN,
    appToken: APP_TOKEN,
    people: [
      { id: ADA, name: 'ada', realName: 'Ada Lovelace', tz: 'Europe/Berlin' },
      { id: BOB, name: 'bob', realName: 'Bob Guest', guest: true },
      { id: EVE, name: 'eve', realName: 'Eve Outside' },
      { id: GONE, name: 'gone', realName: 'Gone Long', deactivated: true },
    ],
    channels: [
      { id: DATABASE, name: 'database', members: [ADA, BOB, identity.botUserId] },
      { id: LOBBY, name: 'lobby', members: [ADA, BOB, EVE] },
      { id: SECRET, name: 'secret', members: [EVE], isPrivate: true },
    ],
    userGroups: [{ id: ONCALL, handle: 'oncall', members: [ADA, BOB] }],
    rateLimits: false,
    ...overrides,
  });
  onTestFinished(async () => slack.close());
  return slack;
}
