import { setTimeout as sleep } from 'node:timers/promises';

/** Work that must not be cut off halfway: commands being answered. */
export interface InFlight {
  readonly size: number;
  readonly draining: boolean;
  /** Starts work and remembers it until it is done. The signal says that its time is up: say goodbye and end. */
  run(work: (signal: AbortSignal) => Promise<void>): Promise<void>;
  /** Waits for everything to end; after `ms` signals what is left and waits `goodbyeMs` more. */
  drain(ms: number, goodbyeMs: number): Promise<void>;
}

export function createInFlight(): InFlight {
  const working = new Set<Promise<void>>();
  const timeUp = new AbortController();
  let draining = false;
  return {
    get size() {
      return working.size;
    },
    get draining() {
      return draining;
    },
    async run(work) {
      const running = work(timeUp.signal);
      working.add(running);
      try {
        await running;
      } finally {
        working.delete(running);
      }
    },
    async drain(ms, goodbyeMs) {
      draining = true;
      if (await endWithin(ms, working)) return;
      timeUp.abort();
      await endWithin(goodbyeMs, working);
    },
  };
}

/** More answers than this at once help nobody and would queue behind one database connection each. */
const mostAtOnce = 30;

/** Why no more work is taken on now, or undefined. */
export function refusal({ draining, size }: InFlight): string | undefined {
  if (draining) return 'dbconn is restarting. Ask again in a minute.';
  if (size < mostAtOnce) return undefined;
  return `dbconn is already answering ${size} commands. Ask again in a few seconds.`;
}

/** Whether all of it ended, well or badly, in time. */
async function endWithin(ms: number, working: ReadonlySet<Promise<void>>): Promise<boolean> {
  if (working.size === 0) return true;
  const { promise: late, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(resolve, ms, false);
  const done = Promise.allSettled(working).then(() => true);
  try {
    return await Promise.race([done, late]);
  } finally {
    clearTimeout(timer);
  }
}

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
  /** How long Slack has to check one example of everything dbconn sends. */
  readonly examplesMs: number;
}

/** A look is bounded by about 4 s; a person who waits twice as long deserves a word. */
export const defaultReplyTimeouts: ReplyTimeouts = {
  slowAfterMs: 8000,
  giveUpAfterMs: 60_000,
  drainMs: 8000,
  goodbyeMs: 2000,
  startMs: 30_000,
  examplesMs: 8000,
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
