import { App, LogLevel } from '@slack/bolt';
import { WebClient } from '@slack/web-api';
import type { WebClientOptions } from '@slack/web-api';
import type { Logger } from 'pino';
import { toBoltLogger } from '../log.ts';
import type { Runbook } from '../runbook/runbook.ts';
import { createAnswer } from './answer.ts';
import type { Connection, ConnectionState } from './connection.ts';
import { createDoctorSlack } from './doctor-slack.ts';
import { HttpConnection } from './http-connection.ts';
import { createInFlight } from './in-flight.ts';
import { registerListeners } from './listeners/register-listeners.ts';
import { defaultPatience } from './patience.ts';
import type { Patience } from './patience.ts';
import { SocketConnection } from './socket-connection.ts';
import { SlackStartError, toStartError } from './start-error.ts';

export interface SlackAppOptions {
  readonly connection:
    | { readonly kind: 'socket'; readonly appToken: string }
    | {
        readonly kind: 'http';
        readonly signingSecret: string;
        /** 0 takes any free port. */
        readonly port: number;
        /** All interfaces unless given. */
        readonly host?: string;
      };
  readonly botToken: string;
  /** Slack's own unless given. */
  readonly apiUrl?: string;
  /** The incident channel's id. */
  readonly channel?: string;
  readonly runbook: Runbook;
  readonly log: Logger;
  readonly patience?: Partial<Patience>;
}

export interface SlackApp {
  /** Comes up in Slack, or throws a SlackStartError that says what to mend. Needs no scope. */
  start(): Promise<void>;
  /** Takes no more commands, answers those it has, closes every socket. Safe to call twice. */
  stop(): Promise<void>;
  readonly state: SlackAppState;
}

export interface SlackAppState {
  readonly connection: ConnectionState;
  /** Whether commands reach dbconn now: what a readiness probe asks. */
  readonly ready: boolean;
  /** Where Slack's requests arrive in HTTP mode. */
  readonly port: number | undefined;
  readonly commandsInFlight: number;
}

/** A request of Slack's that gets no answer in this time will not get a useful one. */
const requestMs = 8000;

/** The bot in Slack: `/dbconn` over Socket Mode or HTTP. Does nothing before start(). */
export function createSlackApp(options: SlackAppOptions): SlackApp {
  const patience = { ...defaultPatience, ...options.patience };
  const connection = openingOf(options, patience);
  const inFlight = createInFlight();
  let stopped: Promise<void> | undefined;
  return {
    async start() {
      const bot = await whoAmI(options);
      buildApp({ options, connection, inFlight, patience, bot });
      await connection.open();
      options.log.info({ connection: options.connection.kind }, 'dbconn is in Slack');
    },
    stop() {
      stopped ??= stopAll(connection, () => inFlight.drain(patience.drainMs, patience.goodbyeMs));
      return stopped;
    },
    get state() {
      return {
        connection: connection.state,
        ready: connection.state === 'open' && !inFlight.draining,
        port: connection.port,
        commandsInFlight: inFlight.size,
      };
    },
  };
}

async function stopAll(connection: Connection, drain: () => Promise<void>): Promise<void> {
  await Promise.all([connection.close(), drain()]);
}

function openingOf({ connection, apiUrl, log }: SlackAppOptions, patience: Patience): Connection {
  const logger = toBoltLogger(log);
  if (connection.kind === 'http') return new HttpConnection({ ...connection, logger });
  const { appToken } = connection;
  const startWithinMs = patience.startMs;
  return new SocketConnection({
    appToken,
    log,
    logger,
    startWithinMs,
    ...(apiUrl !== undefined && { apiUrl }),
  });
}

/**
 * For talking with people who wait: few retries, and no waiting out of rate limits, because Slack's client
 * otherwise holds every call back for as long as one method is limited. A new object each time:
 * Bolt writes into what it is given.
 */
function interactive({ apiUrl, log }: SlackAppOptions): WebClientOptions {
  return {
    ...(apiUrl !== undefined && { slackApiUrl: apiUrl }),
    logger: toBoltLogger(log),
    timeout: requestMs,
    retryConfig: { retries: 1, minTimeout: 250 },
    rejectRateLimitedCalls: true,
    // Response URLs go through this too, and Bolt gives them no time limit of their own.
    fetch: (url, init) =>
      fetch(url, {
        ...init,
        signal: AbortSignal.any([
          AbortSignal.timeout(requestMs),
          ...(init?.signal ? [init.signal] : []),
        ]),
      }),
  };
}

interface Bot {
  readonly botId: string;
  readonly botUserId: string;
}

/** Asks here rather than in Bolt, whose own check rejects where nobody listens. */
async function whoAmI(options: SlackAppOptions): Promise<Bot> {
  const client = new WebClient(options.botToken, interactive(options));
  try {
    const { bot_id: botId, user_id: botUserId } = await client.auth.test();
    if (botId !== undefined && botUserId !== undefined) return { botId, botUserId };
  } catch (error) {
    throw toStartError(error, 'bot token');
  }
  throw new SlackStartError(
    'SLACK_BOT_TOKEN belongs to a person, not to a bot. Use the Bot User OAuth Token (xoxb-…).',
  );
}

interface Parts {
  readonly options: SlackAppOptions;
  readonly connection: Connection;
  readonly inFlight: ReturnType<typeof createInFlight>;
  readonly patience: Patience;
  readonly bot: Bot;
}

function buildApp({ options, connection, inFlight, patience, bot }: Parts): void {
  const { botToken, channel, log, runbook } = options;
  const app = new App({
    ...bot,
    token: botToken,
    tokenVerificationEnabled: false,
    receiver: connection.receiver,
    logger: toBoltLogger(log),
    logLevel: LogLevel.INFO,
    convoStore: false,
    clientOptions: interactive(options),
  });
  const client = new WebClient(botToken, interactive(options));
  const answer = createAnswer(client, log);
  const doctorSlack = createDoctorSlack({ client, channel, log });
  registerListeners(app, { runbook, answer, doctorSlack, inFlight, patience, channel, log });
}
