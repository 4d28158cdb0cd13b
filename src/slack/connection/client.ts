import { LogLevel } from '@slack/bolt';
import type { Logger as BoltLogger } from '@slack/bolt';
import { WebClient } from '@slack/web-api';
import type { WebClientOptions } from '@slack/web-api';
import type { Logger } from 'pino';
import { z } from 'zod';
import { noMeter } from '../../runbook/escalation/ports.ts';
import type { Meter, SlackCall } from '../../runbook/escalation/ports.ts';

/**
 * pino as Bolt wants its logger. Bolt's debug lines hold whole request bodies, so they go nowhere:
 * what people typed and what others' SQL says has no place in a log.
 */
export function toBoltLogger(log: Logger): BoltLogger {
  const write =
    (level: 'info' | 'warn' | 'error') =>
    (...parts: unknown[]): void => {
      const err = parts.find((part) => part instanceof Error);
      const words = parts.filter((part) => part !== err).map(toWords);
      log[level](err === undefined ? {} : { err }, words.join(' '));
    };
  return {
    debug: () => {},
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    setLevel: () => {},
    getLevel: () => LogLevel.INFO,
    setName: () => {},
  };
}

function toWords(part: unknown): string {
  return typeof part === 'string' ? part : (JSON.stringify(part) ?? String(part));
}

/** A request of Slack's that gets no answer in this time will not get a useful one. */
const requestMs = 8000;

interface ClientParts {
  readonly apiUrl?: string;
  readonly log: Logger;
  readonly meter?: Pick<Meter, 'slackCall'>;
}

/** A limit on what one part of dbconn asks holds no other part back, so they share it. */
export function createClient(botToken: string, parts: ClientParts): WebClient {
  return new WebClient(botToken, clientOptions(parts));
}

/**
 * For every client: few retries, and no waiting out of rate limits, because Slack's client otherwise holds
 * every call back for as long as one method is limited. A new object each time: Bolt writes into what it is
 * given.
 */
export function clientOptions({ apiUrl, log, meter = noMeter }: ClientParts): WebClientOptions {
  return {
    ...(apiUrl !== undefined && { slackApiUrl: apiUrl }),
    logger: toBoltLogger(log),
    timeout: requestMs,
    retryConfig: { retries: 1, minTimeout: 250 },
    rejectRateLimitedCalls: true,
    // Response URLs go through this too, and Bolt gives them no time limit of their own.
    fetch: async (url, init) => {
      const signals = [AbortSignal.timeout(requestMs), ...(init?.signal ? [init.signal] : [])];
      const method = methodOf(url);
      try {
        const response = await fetch(url, { ...init, signal: AbortSignal.any(signals) });
        meter.slackCall({ method, ...channelOf(init?.body), ...(await outcomeOf(response)) });
        return response;
      } catch (error) {
        meter.slackCall({ method, outcome: 'failed' });
        throw error;
      }
    },
  };
}

/** `chat.update`. Response URLs and uploads hold secrets in their path, and are one method each. */
function methodOf(url: string | URL | Request): string {
  const { pathname } = new URL(url instanceof Request ? url.url : url);
  const method = /\/api\/([a-zA-Z.]+)$/.exec(pathname)?.[1];
  if (method !== undefined) return method;
  return pathname.includes('upload') ? 'upload' : 'response_url';
}

/** Slack's client writes its arguments as a form. */
function channelOf(body: unknown): Pick<SlackCall, 'channel'> {
  const channel = typeof body === 'string' ? new URLSearchParams(body).get('channel') : null;
  return channel === null ? {} : { channel };
}

const Refusal = z.object({ ok: z.literal(false), error: z.string().optional() });

/** Slack refuses with HTTP 200 and a body that says why. */
async function outcomeOf(response: Response): Promise<Pick<SlackCall, 'outcome' | 'refusal'>> {
  if (response.status === 429) return { outcome: 'limited' };
  if (response.status >= 400) return { outcome: 'failed' };
  const refused = Refusal.safeParse(parseJson(await response.clone().text()));
  if (!refused.success) return { outcome: 'ok' };
  const { error = '' } = refused.data;
  if (error === 'ratelimited') return { outcome: 'limited' };
  return { outcome: 'refused', refusal: /^\w{1,60}$/.test(error) ? error : 'unknown_error' };
}

/** Undefined for what is no JSON: a response URL answers `ok`. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
