import type { Logger } from 'pino';

interface HeartbeatOptions {
  /** Its path is a secret with most services, so it is in no log. */
  readonly url: string;
  readonly fetch: typeof globalThis.fetch;
  /** What is wrong with dbconn, in sentences; empty while it is well. */
  readonly problems: () => readonly string[];
  readonly log: Pick<Logger, 'warn'>;
}

const answerWithinMs = 10_000;

/**
 * One call of an address that expects to be called while dbconn is well, so that somebody hears when it is not. Not
 * called while something is wrong: its silence is the alarm. Never throws, follows no redirect, and does not wait
 * for a call that still goes on.
 */
export function createHeartbeat(options: HeartbeatOptions): () => Promise<void> {
  const { url, fetch, problems, log } = options;
  const { host } = new URL(url);
  let isBeating = false;
  return async () => {
    const wrong = problems();
    if (wrong.length > 0) {
      log.warn({ problems: wrong }, 'No heartbeat is sent, because something is wrong');
      return;
    }
    if (isBeating) return;
    isBeating = true;
    try {
      const signal = AbortSignal.timeout(answerWithinMs);
      const response = await fetch(url, { redirect: 'manual', signal });
      await response.body?.cancel();
      if (!response.ok) log.warn({ host, status: response.status }, 'The heartbeat was not taken');
    } catch {
      // The client's error holds the whole address.
      log.warn({ host }, 'The heartbeat cannot be sent');
    } finally {
      isBeating = false;
    }
  };
}
