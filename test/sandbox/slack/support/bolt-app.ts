import { App, HTTPReceiver, LogLevel, SocketModeReceiver } from '@slack/bolt';
import type { Logger } from '@slack/bolt';
import type { ChatPostMessageResponse, WebClient } from '@slack/web-api';
import { onTestFinished } from 'vitest';
import type { SlackOptions } from '../../../../sandbox/slack/options.ts';
import type { LocalSlack } from '../../../../sandbox/slack/server.ts';
import { APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, startTestSlack } from './local-slack.ts';

/** Bolt logs every refused call; the tests read the refusals themselves. */
const silent: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  setLevel() {},
  getLevel: () => LogLevel.ERROR,
  setName() {},
};

const client = (apiUrl: string): { slackApiUrl: string; retryConfig: { retries: number } } => ({
  slackApiUrl: apiUrl,
  retryConfig: { retries: 0 },
});

async function createApp(
  receiver: SocketModeReceiver | HTTPReceiver,
  apiUrl: string,
): Promise<App> {
  const app = new App({
    receiver,
    token: BOT_TOKEN,
    logger: silent,
    logLevel: LogLevel.ERROR,
    convoStore: false,
    deferInitialization: true,
    clientOptions: { ...client(apiUrl), rejectRateLimitedCalls: true },
  });
  await app.init();
  return app;
}

/** An app on its own Socket Mode connection to this Slack. */
export async function connectApp(slack: LocalSlack): Promise<{
  readonly app: App;
  readonly receiver: SocketModeReceiver;
}> {
  const receiver = new SocketModeReceiver({
    appToken: APP_TOKEN,
    logger: silent,
    installerOptions: { clientOptions: client(slack.apiUrl) },
  });
  const app = await createApp(receiver, slack.apiUrl);
  await app.start();
  onTestFinished(async () => {
    await receiver.client.disconnect();
  });
  return { app, receiver };
}

async function serveApp(slack: LocalSlack): Promise<App> {
  const receiver = new HTTPReceiver({ signingSecret: SIGNING_SECRET, logger: silent, port: 0 });
  const app = await createApp(receiver, slack.apiUrl);
  const server = await receiver.start({ port: 0, host: '127.0.0.1' });
  onTestFinished(async () => {
    server.closeAllConnections();
    await receiver.stop();
  });
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  slack.setRequestUrl(`http://127.0.0.1:${String(port)}/slack/events`);
  return app;
}

/** A Slack and the real, unchanged Bolt talking to it, in either mode. */
export async function startWithApp(
  mode: 'socket' | 'http',
  overrides: Partial<SlackOptions> = {},
): Promise<{ readonly slack: LocalSlack; readonly app: App }> {
  const slack = await startTestSlack({ mode, ...overrides });
  const app = mode === 'socket' ? (await connectApp(slack)).app : await serveApp(slack);
  return { slack, app };
}

/** chat.postMessage, by its name: the linter takes the method for a browser's window.postMessage. */
export async function post(
  client: Pick<WebClient, 'apiCall'>,
  message: Readonly<Record<string, unknown>>,
): Promise<{ readonly ts: string; readonly channel: string }> {
  const posted: ChatPostMessageResponse = await client.apiCall('chat.postMessage', message);
  return { ts: posted.ts ?? '', channel: posted.channel ?? '' };
}
