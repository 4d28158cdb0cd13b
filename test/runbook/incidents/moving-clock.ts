import { startedAtMs } from '../approvals/world.ts';
import type { Clock } from '../../../src/timing.ts';

interface Sleeper {
  atMs: number;
  readonly wake: () => void;
}

/** A clock that a test moves by hand: whoever sleeps wakes when it passes his hour. */
export class MovingClock implements Clock {
  #nowMs = startedAtMs;
  /** Where the present move ends. */
  #untilMs = startedAtMs;
  /** What it was set ahead, in all. */
  #aheadMs = 0;
  readonly #sleepers = new Set<Sleeper>();

  now(): number {
    return this.#nowMs;
  }

  uptime(): number {
    return this.#nowMs - this.#aheadMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(new Error('aborted'));
        return;
      }
      const leave = (): void => {
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener('abort', abort);
      };
      const sleeper: Sleeper = {
        // Whole milliseconds, as a real clock counts them.
        atMs: this.#nowMs + Math.ceil(ms),
        wake: () => {
          leave();
          resolve();
        },
      };
      const abort = (): void => {
        leave();
        reject(new Error('aborted'));
      };
      signal?.addEventListener('abort', abort);
      this.#sleepers.add(sleeper);
    });
  }

  /** How many sleep: none may be left behind by what was stopped. */
  get sleeping(): number {
    return this.#sleepers.size;
  }

  /** Somebody sets the clock. Whoever sleeps sleeps as long as before: timers do not go by it. */
  set(ms: number): void {
    this.#nowMs += ms;
    this.#untilMs += ms;
    this.#aheadMs += ms;
    for (const sleeper of this.#sleepers) sleeper.atMs += ms;
  }

  /** Moves on, waking each sleeper at his time and letting what follows from it happen before the next. */
  async move(ms: number): Promise<void> {
    this.#untilMs = this.#nowMs + ms;
    await settle();
    for (;;) {
      const next = [...this.#sleepers].toSorted((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs > this.#untilMs) break;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.wake();
      await settle();
    }
    this.#nowMs = this.#untilMs;
    await settle();
  }
}

/** Lets everything run that waits for no clock. The journal's file answers within a turn of the event loop. */
async function settle(): Promise<void> {
  for (let turns = 0; turns < 4; turns += 1) await new Promise((resolve) => setImmediate(resolve));
}
