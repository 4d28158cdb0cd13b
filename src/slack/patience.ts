import { setTimeout as sleep } from 'node:timers/promises';

export interface ReplyTimeouts {
  /** After this long the asker is told that it takes longer. */
  readonly slowAfterMs: number;
  /** After this long nobody waits any more. */
  readonly giveUpAfterMs: number;
  /** How long stopping waits for commands being answered. */
  readonly drainMs: number;
  /** And for their goodbyes after that. */
  readonly goodbyeMs: number;
  /** How long coming up in Slack may take. */
  readonly startMs: number;
}

/** A look is bounded by about 4 s; whoever waits twice as long deserves a word. */
export const defaultReplyTimeouts: ReplyTimeouts = {
  slowAfterMs: 8000,
  giveUpAfterMs: 60_000,
  drainMs: 8000,
  goodbyeMs: 2000,
  startMs: 30_000,
};

interface Waiting<T> {
  readonly work: Promise<T>;
  readonly replyTimeouts: Pick<ReplyTimeouts, 'slowAfterMs' | 'giveUpAfterMs'>;
  /** Ends the waiting at once. */
  readonly signal: AbortSignal;
  /** Called once when it takes long; must not throw. */
  readonly onSlow: () => Promise<void>;
}

type Waited<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'gave-up' }
  | { readonly kind: 'stopped' };

/** Waits for work that cannot be cancelled, and never longer than agreed. Rejects as the work does. */
export async function waitFor<T>({
  work,
  replyTimeouts,
  signal,
  onSlow,
}: Waiting<T>): Promise<Waited<T>> {
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const slow = after(replyTimeouts.slowAfterMs, either).then(async (inTime) => {
    if (inTime) await onSlow();
  });
  const end = after(replyTimeouts.giveUpAfterMs, either).then((inTime): Waited<T> => ({
    kind: inTime ? 'gave-up' : 'stopped',
  }));
  try {
    return await Promise.race([work.then((value): Waited<T> => ({ kind: 'done', value })), end]);
  } finally {
    over.abort();
    await slow;
  }
}

/** True when the time has passed, false when the signal came first. */
async function after(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(ms, undefined, { signal });
    return true;
  } catch {
    // The only way this sleep ends early.
    return false;
  }
}
