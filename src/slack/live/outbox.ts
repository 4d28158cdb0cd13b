import { setTimeout as sleep } from 'node:timers/promises';
import { WebAPIHTTPError, WebAPIRateLimitedError, WebAPIRequestError } from '@slack/web-api';
import type { Logger } from 'pino';

/** Calls to Slack that nobody waits for in front of a screen: in order, one at a time, and unhurried. */
export interface Outbox {
  /**
   * Makes the call when its turn comes and waits out rate limits. Where making it twice does no harm, a failure
   * on the way is tried again too. Rejects as the call does.
   */
  send<T>(call: () => Promise<T>, repeatable?: 'repeatable'): Promise<T>;
  /** Stops waiting: what is limited or paced now fails at once, or is sent at once. */
  hurry(): void;
}

interface OutboxOptions {
  /** Between two calls. Slack takes one message a second in a channel. */
  readonly sendIntervalMs: number;
  readonly log: Logger;
}

/** Longer than this Slack does not ask anybody to wait, and an answer that late helps nobody. */
const longestWaitMs = 60_000;
const mostTries = 6;
const firstPauseMs = 500;

export function createOutbox({ sendIntervalMs, log }: OutboxOptions): Outbox {
  const hurried = new AbortController();
  let last: Promise<unknown> = Promise.resolve();

  /** Ends early, and quietly, once everything has to hurry. */
  const pause = (ms: number): Promise<void> =>
    sleep(ms, undefined, { signal: hurried.signal }).catch(() => undefined);

  const attempt = async <T>(call: () => Promise<T>, repeatable: boolean): Promise<T> => {
    for (let tries = 1; ; tries += 1) {
      try {
        return await call();
      } catch (err) {
        const waitMs = waitAfter(err, tries, repeatable);
        if (waitMs === undefined || tries >= mostTries || hurried.signal.aborted) throw err;
        log.warn({ err, tries, waitMs }, 'Slack does not take a message yet');
        await pause(waitMs);
      }
    }
  };

  return {
    async send(call, repeatable) {
      const sent = last.then(() => attempt(call, repeatable !== undefined));
      // The caller hears of a failure; the next call goes on after it.
      last = sent.catch(() => undefined).then(() => pause(sendIntervalMs));
      return sent;
    },
    hurry: () => hurried.abort(),
  };
}

function waitAfter(error: unknown, tries: number, repeatable: boolean): number | undefined {
  if (error instanceof WebAPIRateLimitedError) {
    return Math.min(error.retryAfter * 1000, longestWaitMs);
  }
  const onTheWay = error instanceof WebAPIRequestError || error instanceof WebAPIHTTPError;
  return repeatable && onTheWay ? firstPauseMs * 2 ** (tries - 1) : undefined;
}

/** How often an incident's message is written, in milliseconds. */
export interface CardIntervals {
  /** Between two writings for what people wait for: a state, a name, an outcome. */
  readonly urgentMs: number;
  /** Between two that only bring newer figures. */
  readonly figuresMs: number;
  /** After this long the time of the look alone is worth a writing. */
  readonly refreshMs: number;
  readonly retryMs: number;
  readonly longestRetryMs: number;
}

/**
 * Slack takes 50 changes of messages a minute from the whole app: one incident in a storm uses 30 of them, and five
 * that only tell figures use as many together.
 */
export const slackIntervals: CardIntervals = {
  urgentMs: 2000,
  figuresMs: 10_000,
  refreshMs: 60_000,
  retryMs: 5000,
  longestRetryMs: 60_000,
};

/** How many incidents may tell their figures at the full pace. */
export const calmIncidents = 5;
