import type { WebClientOptions } from '@slack/web-api';
import type { Logger } from 'pino';
import { toBoltLogger } from '../log.ts';
import { noMeter } from '../runbook/ports/meter.ts';
import type { Meter } from '../runbook/ports/meter.ts';

/** A request of Slack's that gets no answer in this time will not get a useful one. */
const requestMs = 8000;

/**
 * For every client: few retries, and no waiting out of rate limits, because Slack's client otherwise holds
 * every call back for as long as one method is limited. A new object each time: Bolt writes into what it is
 * given.
 */
export function clientOptions({
  apiUrl,
  log,
  meter = noMeter,
}: {
  readonly apiUrl?: string;
  readonly log: Logger;
  readonly meter?: Pick<Meter, 'slackCall'>;
}): WebClientOptions {
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
        meter.slackCall(method, outcomeOf(response.status));
        return response;
      } catch (error) {
        meter.slackCall(method, 'failed');
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

/** A refusal in an answer's body is Slack's word, not a failure to reach it. */
function outcomeOf(status: number): 'ok' | 'limited' | 'failed' {
  if (status === 429) return 'limited';
  return status < 400 ? 'ok' : 'failed';
}
