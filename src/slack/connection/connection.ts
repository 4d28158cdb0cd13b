import { setTimeout as sleep } from 'node:timers/promises';
import type { Receiver } from '@slack/bolt';
import {
  WebAPIHTTPError,
  WebAPIPlatformError,
  WebAPIRateLimitedError,
  WebAPIRequestError,
} from '@slack/web-api';
import type { Logger } from 'pino';

export type ConnectionState = 'closed' | 'opening' | 'open' | 'reopening';

/** How Slack's requests come in: over a socket dbconn opens, or over HTTP to a port of its own. */
export interface Connection {
  /** What Bolt is given. */
  readonly receiver: Receiver;
  readonly state: ConnectionState;
  /** The HTTP port in use, once open. */
  readonly port: number | undefined;
  /** Throws a SlackStartError. */
  open(): Promise<void>;
  /** Takes nothing in any more, and is finished when nothing is left open. */
  close(): Promise<void>;
}

const firstWaitMs = 500;
const longestWaitMs = 30_000;

/**
 * How long to wait after that many failed attempts to reach Slack: a pause that grows, or the one Slack asks for;
 * scattered so that replicas do not march in step.
 */
export function waitAfter(error: unknown, attempt: number): number {
  if (error instanceof WebAPIRateLimitedError) return error.retryAfter * 1000;
  const wait = Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(attempt, 10));
  return wait * (0.75 + Math.random() / 2);
}

/** Why the bot could not come up in Slack, and what the operator does about it. */
export class SlackStartError extends Error {
  /** Whether it stays so until the operator changes something here, whatever becomes of Slack. */
  readonly isFinal: boolean;

  constructor(message: string, cause?: unknown, isFinal = false) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'SlackStartError';
    this.isFinal = isFinal;
  }
}

/** Which of the two tokens was being used. */
type Credential = 'bot token' | 'app token';

const whereToFind: Readonly<Record<Credential, string>> = {
  'bot token':
    'Set SLACK_BOT_TOKEN to the Bot User OAuth Token (xoxb-…) from "OAuth & Permissions", after installing the app to the workspace.',
  'app token':
    'Set SLACK_APP_TOKEN to an App-Level Token (xapp-…) with the scope connections:write from "Basic Information", and enable Socket Mode.',
};

/** Turns what Slack's client throws into a sentence that says what happened and what to do next. */
export function toStartError(error: unknown, credential: Credential): SlackStartError {
  if (error instanceof SlackStartError) return error;
  const fix = whereToFind[credential];
  if (error instanceof WebAPIPlatformError && error.data.error === 'token_expired') {
    const text = `Slack says that the ${credential} has expired (token_expired): token rotation replaces it every 12 hours, which dbconn does not. Create the app again from manifest.yml, which has rotation off.`;
    return new SlackStartError(text, error);
  }
  if (error instanceof WebAPIPlatformError) {
    const { error: code } = error.data;
    const text = `Slack refused the ${credential} (${code}). ${fix}`;
    return new SlackStartError(text, error, wrongTokens.has(code));
  }
  if (error instanceof WebAPIRateLimitedError) {
    const text = `Slack asks to wait ${error.retryAfter} s before the next start: something starts dbconn too often.`;
    return new SlackStartError(text, error);
  }
  if (error instanceof WebAPIHTTPError) {
    const text = `Slack answered HTTP ${error.statusCode}. Check SLACK_API_URL and any proxy in between.`;
    return new SlackStartError(text, error);
  }
  if (error instanceof WebAPIRequestError) {
    const text = 'Slack could not be reached. Check the network, the proxy and SLACK_API_URL.';
    return new SlackStartError(text, error);
  }
  return new SlackStartError(`Slack could not be joined with the ${credential}. ${fix}`, error);
}

/** Whether Slack itself said no: the next attempt in a moment hears the same. */
export function isRefusal(error: unknown): boolean {
  return error instanceof WebAPIPlatformError;
}

/**
 * Slack never knew this token, or it is of another kind (Slack documentation, auth.test, Errors): a mistake of the
 * installation. What Slack has taken back, it may give again.
 */
const wrongTokens = new Set(['invalid_auth', 'not_authed', 'not_allowed_token_type']);

/** Coming up in Slack, at once or later. */
interface Join {
  /** Makes one attempt, and goes on behind it while Slack cannot be reached. Rejects where only the operator can help. */
  start(): Promise<void>;
  /** Why dbconn is not in Slack yet, in a sentence; null once it is. */
  readonly problem: string | null;
  stop(): void;
}

interface JoinOptions {
  readonly log: Pick<Logger, 'error' | 'info' | 'warn'>;
  /** Slack took these tokens before in this process, so no refusal of them is final. */
  readonly wasIn?: boolean | undefined;
}

/** `attempt` throws SlackStartErrors; it is told when it came too late. */
export function createJoin(
  attempt: (signal: AbortSignal) => Promise<void>,
  { log, wasIn = false }: JoinOptions,
): Join {
  const stopping = new AbortController();
  const { signal } = stopping;
  let problem: string | null = 'dbconn is not in Slack yet.';
  const tryOnce = async (): Promise<SlackStartError | undefined> => {
    try {
      await attempt(signal);
      problem = null;
      return undefined;
    } catch (error) {
      if (!(error instanceof SlackStartError)) throw error;
      problem = error.message;
      return error;
    }
  };
  const keepTrying = async (first: SlackStartError): Promise<void> => {
    let failed: SlackStartError | undefined = first;
    for (let tries = 0; failed !== undefined && !signal.aborted; tries += 1) {
      const waitMs = waitAfter(failed.cause, tries);
      log.error(
        { problem: failed.message, tries, waitMs },
        'dbconn is not in Slack, and tries again',
      );
      // Rejects only because of stop(), which the loop's condition sees.
      await sleep(waitMs, undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) failed = await tryOnce();
    }
  };
  return {
    get problem() {
      return problem;
    },
    async start() {
      const failed = await tryOnce();
      if (failed === undefined || signal.aborted) return;
      if (failed.isFinal && !wasIn) throw failed;
      keepTrying(failed).catch((err: unknown) => log.error({ err }, 'Joining Slack failed'));
    },
    stop: () => stopping.abort(),
  };
}
