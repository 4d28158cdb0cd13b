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
