import type { WebClientOptions } from '@slack/web-api';
import type { Logger } from 'pino';
import { toBoltLogger } from '../log.ts';

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
}: {
  readonly apiUrl?: string;
  readonly log: Logger;
}): WebClientOptions {
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
