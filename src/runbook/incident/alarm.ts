import type { Clock } from '../snapshot/ports.ts';

/** A sleep that can be cut short. */
interface WakeableSleep {
  /** Sleeps that long, or until it rings, but never shorter than `leastMs`. A ring from before counts once. */
  wait(ms: number, leastMs: number): Promise<void>;
  ring(): void;
}

export function createWakeableSleep(clock: Clock): WakeableSleep {
  let rung = false;
  let sleeping: AbortController | undefined;
  return {
    async wait(ms, leastMs) {
      await clock.sleep(leastMs);
      if (!rung) {
        sleeping = new AbortController();
        // Rung while it slept: that is what the signal is for.
        await clock.sleep(Math.max(0, ms - leastMs), sleeping.signal).catch(() => undefined);
        sleeping = undefined;
      }
      rung = false;
    },
    ring() {
      rung = true;
      sleeping?.abort();
    },
  };
}
