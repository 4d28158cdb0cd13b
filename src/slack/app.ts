import { App, LogLevel } from '@slack/bolt';
import type { WebClient } from '@slack/web-api';
import type { Logger } from 'pino';
import type { SignedRequestLog } from '../runbook/approvals/journal.ts';
import type { Meter } from '../runbook/escalation/ports.ts';
import type { TargetMonitor } from '../runbook/loop/target-monitor.ts';
import { clientOptions, createClient, toBoltLogger } from './connection/client.ts';
import type { Connection, ConnectionState } from './connection/connection.ts';
import { SlackStartError, createJoin, toStartError } from './connection/connection.ts';
import { HttpConnection } from './connection/http.ts';
import { ignoreMalformed } from './connection/incoming.ts';
import { SocketConnection } from './connection/socket.ts';
import { createAnswer, createModals } from './handlers/answer.ts';
import type { Changes } from './handlers/deps.ts';
import { createDoctorSlack } from './handlers/doctor-slack.ts';
import { createInFlight, defaultReplyTimeouts } from './handlers/in-flight.ts';
import type { ReplyTimeouts } from './handlers/in-flight.ts';
import { registerListeners } from './handlers/register.ts';
import type { Home } from './home/home.ts';
import { registerHome } from './home/home.ts';

interface SlackAppOptions {
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
  readonly monitor: TargetMonitor;
  /** What was heard over HTTP before; without it no request of HTTP may decide anything. */
  readonly heard?: SignedRequestLog;
  readonly changes: Changes;
  /** The Home tab; without it the tab stays as it was. */
  readonly home?: Home;
  readonly meter?: Pick<Meter, 'slackCall'>;
  readonly log: Logger;
  /** Slack took these tokens before in this process. */
  readonly wasIn?: boolean | undefined;
  readonly replyTimeouts?: Partial<ReplyTimeouts>;
}

export interface SlackApp {
  /**
   * Comes up in Slack. Where Slack cannot be reached, or has taken back what it granted, it resolves all the same and
   * keeps trying. Throws a SlackStartError for a token that was never right, and for a port that is taken, unless it was
   * in Slack before. Needs no scope.
   */
  start(): Promise<void>;
  /** Takes no more commands, answers those it has, closes every socket. Safe to call twice. */
  stop(): Promise<void>;
  readonly state: SlackAppState;
}

interface SlackAppState {
  readonly connection: ConnectionState;
  /** Whether commands reach dbconn now: what a readiness probe asks. */
  readonly ready: boolean;
  /** Why dbconn is not in Slack since its start, in a sentence; null once it was. */
  readonly problem: string | null;
  /** Where Slack's requests arrive in HTTP mode. */
  readonly port: number | undefined;
  readonly commandsInFlight: number;
}

/** The bot in Slack: `/dbconn` over Socket Mode or HTTP. Does nothing before start(). */
export function createSlackApp(options: SlackAppOptions): SlackApp {
  const replyTimeouts = { ...defaultReplyTimeouts, ...options.replyTimeouts };
  const connection = openingOf(options, replyTimeouts);
  const inFlight = createInFlight();
  const client = createClient(options.botToken, options);
  let stopped: Promise<void> | undefined;
  let isBuilt = false;
  const join = createJoin(async (signal) => {
    if (!isBuilt)
      buildApp({ options, client, connection, inFlight, replyTimeouts, bot: await whoAmI(client) });
    isBuilt = true;
    if (signal.aborted) return;
    await connection.open();
    options.log.info({ connection: options.connection.kind }, 'dbconn is in Slack');
  }, options);
  return {
    start: () => join.start(),
    stop() {
      join.stop();
      stopped ??= stopAll(connection, [
        inFlight.drain(replyTimeouts.drainMs, replyTimeouts.goodbyeMs),
        options.home?.close(),
      ]);
      return stopped;
    },
    get state() {
      return {
        connection: connection.state,
        ready: connection.state === 'open' && !inFlight.draining,
        problem: join.problem,
        port: connection.port,
        commandsInFlight: inFlight.size,
      };
    },
  };
}

async function stopAll(
  connection: Connection,
  ends: readonly (Promise<void> | undefined)[],
): Promise<void> {
  await Promise.all([connection.close(), ...ends]);
}

function openingOf(
  { connection, apiUrl, heard, log }: SlackAppOptions,
  replyTimeouts: ReplyTimeouts,
): Connection {
  const logger = toBoltLogger(log);
  if (connection.kind === 'http') return new HttpConnection({ ...connection, heard, logger });
  const { appToken } = connection;
  const startWithinMs = replyTimeouts.startMs;
  return new SocketConnection({
    appToken,
    log,
    logger,
    startWithinMs,
    ...(apiUrl !== undefined && { apiUrl }),
  });
}

interface Bot {
  readonly botId: string;
  readonly botUserId: string;
}

/** Asks here rather than in Bolt, whose own check rejects where nobody listens. */
async function whoAmI(client: WebClient): Promise<Bot> {
  try {
    const { bot_id: botId, user_id: botUserId } = await client.auth.test();
    if (botId !== undefined && botUserId !== undefined) return { botId, botUserId };
  } catch (error) {
    throw toStartError(error, 'bot token');
  }
  const text =
    'SLACK_BOT_TOKEN belongs to a person, not to a bot. Use the Bot User OAuth Token (xoxb-…).';
  throw new SlackStartError(text, undefined, true);
}

interface Parts {
  readonly options: SlackAppOptions;
  readonly client: WebClient;
  readonly connection: Connection;
  readonly inFlight: ReturnType<typeof createInFlight>;
  readonly replyTimeouts: ReplyTimeouts;
  readonly bot: Bot;
}

function buildApp({ options, client, connection, inFlight, replyTimeouts, bot }: Parts): void {
  const { botToken, changes, channel, log, monitor } = options;
  const app = new App({
    ...bot,
    token: botToken,
    tokenVerificationEnabled: false,
    receiver: connection.receiver,
    logger: toBoltLogger(log),
    logLevel: LogLevel.INFO,
    convoStore: false,
    clientOptions: clientOptions(options),
  });
  ignoreMalformed(app, log);
  const answer = createAnswer(client, log);
  const doctorSlack = createDoctorSlack({ client, channel, log, replyTimeouts });
  const modals = createModals(client, log);
  const answering = { client, answer, doctorSlack, modals, inFlight, replyTimeouts };
  if (options.home !== undefined) registerHome(app, options.home);
  registerListeners(app, { ...changes, monitor, channel, log, ...answering });
}
