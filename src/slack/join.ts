import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { waitAfter } from './retry-wait.ts';
import { SlackStartError } from './start-error.ts';

/** Coming up in Slack, at once or later. */
interface Join {
  /** Makes one attempt, and goes on behind it while Slack cannot be reached. Rejects where only the operator can help. */
  start(): Promise<void>;
  /** Why dbconn is not in Slack yet, in a sentence; null once it is. */
  readonly problem: string | null;
  stop(): void;
}

/** `attempt` throws SlackStartErrors; it is told when it came too late. */
export function createJoin(
  attempt: (signal: AbortSignal) => Promise<void>,
  log: Pick<Logger, 'error' | 'info' | 'warn'>,
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
      if (failed.isFinal) throw failed;
      keepTrying(failed).catch((err: unknown) => log.error({ err }, 'Joining Slack failed'));
    },
    stop: () => stopping.abort(),
  };
}
