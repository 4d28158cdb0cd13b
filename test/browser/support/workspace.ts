import { App, LogLevel, SocketModeReceiver } from '@slack/bolt';
import type { Logger } from '@slack/bolt';
import type { ChatPostMessageResponse, WebClient } from '@slack/web-api';
import { servePage } from '../../../sandbox/page/page.ts';
import { identity } from '../../../sandbox/slack/identity.ts';
import { startSlack } from '../../../sandbox/slack/server.ts';
import type { LocalSlack } from '../../../sandbox/slack/server.ts';

export const MAYA = 'U00000MAYA';
export const JONAS = 'U0000JONAS';
export const GUEST = 'U0000GUEST';
export const DATABASE = 'C0DATABASE';
export const LOBBY = 'C000LOBBY';
export const ONCALL = 'S000ONCALL';

const BOT_TOKEN = 'xoxb-page';
const APP_TOKEN = 'xapp-page';

const MANIFEST = {
  display_information: { name: 'dbconn' },
  features: {
    app_home: { home_tab_enabled: true, messages_tab_enabled: true },
    bot_user: { display_name: 'dbconn' },
    slash_commands: [
      { command: '/dbconn', description: 'PostgreSQL connections', usage_hint: 'status | help' },
    ],
  },
  oauth_config: {
    scopes: { bot: ['commands', 'chat:write', 'im:write', 'files:write', 'channels:history'] },
  },
  settings: { event_subscriptions: { bot_events: ['app_home_opened'] } },
};

/** Bolt logs each refused call; what matters here is what a person sees. */
const silent: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  setLevel() {},
  getLevel: () => LogLevel.ERROR,
  setName() {},
};

export interface TestWorkspace {
  readonly slack: LocalSlack;
  readonly app: App;
  close(): Promise<void>;
}

/** The local Slack with its page, and the real Bolt connected to it. Three people, two channels. */
export async function startTestWorkspace(): Promise<TestWorkspace> {
  const slack = await startSlack({
    manifest: MANIFEST,
    mode: 'socket',
    signingSecret: 'unused in socket mode',
    botToken: BOT_TOKEN,
    appToken: APP_TOKEN,
    people: [
      { id: MAYA, name: 'maya', realName: 'Maya Brandt' },
      { id: JONAS, name: 'jonas', realName: 'Jonas Keller' },
      { id: GUEST, name: 'guest', realName: 'Gia Guest', guest: true },
    ],
    channels: [
      { id: DATABASE, name: 'database', members: [MAYA, JONAS, identity.botUserId] },
      { id: LOBBY, name: 'lobby', members: [MAYA, GUEST, identity.botUserId] },
    ],
    userGroups: [{ id: ONCALL, handle: 'oncall', members: [MAYA] }],
    rateLimits: false,
    page: servePage,
  });
  const clientOptions = { slackApiUrl: slack.apiUrl, retryConfig: { retries: 0 } };
  const receiver = new SocketModeReceiver({
    appToken: APP_TOKEN,
    logger: silent,
    installerOptions: { clientOptions },
  });
  const app = new App({
    receiver,
    token: BOT_TOKEN,
    logger: silent,
    logLevel: LogLevel.ERROR,
    convoStore: false,
    deferInitialization: true,
    clientOptions,
  });
  await app.init();
  await app.start();
  return {
    slack,
    app,
    async close() {
      await receiver.client.disconnect();
      await slack.close();
    },
  };
}

/** chat.postMessage, by its name: the linter takes the method for a browser's window.postMessage. */
export async function post(
  client: Pick<WebClient, 'apiCall'>,
  message: Readonly<Record<string, unknown>>,
): Promise<string> {
  const { ts }: ChatPostMessageResponse = await client.apiCall('chat.postMessage', message);
  if (ts === undefined) throw new Error('chat.postMessage answered without a ts');
  return ts;
}
