import type { SlackWriter } from './writer.ts';

/** Knows when this process stood still: paused with its machine, or starved. Another one may have spoken meanwhile. */
export interface PauseDetector {
  /** Whether it did after that moment of performance.now(). */
  isSince(atMs: number): boolean;
}

const tickMs = 1000;
/** Far shorter than the lease of the process that leads the incidents. */
const longestGapMs = 5000;

/** Its timer keeps no process alive. */
export function detectPauses(): PauseDetector {
  let tickedAtMs = performance.now();
  let endedAtMs = Number.NEGATIVE_INFINITY;
  const tick = (): void => {
    const nowMs = performance.now();
    if (nowMs - tickedAtMs > longestGapMs) endedAtMs = nowMs;
    tickedAtMs = nowMs;
  };
  setInterval(tick, tickMs).unref();
  return {
    isSince(atMs) {
      // Whoever asks first after waking up must not be told that all is well.
      tick();
      return endedAtMs > atMs;
    },
  };
}

/** Refuses to write once it may no longer be known what stands in Slack. */
export interface FreshWriter {
  readonly writer: SlackWriter;
  /** What stands in Slack was known at that moment of performance.now(). */
  knownAt(atMs: number): void;
  /** It is not known any more. */
  doubt(): void;
}

/**
 * A process that stood still, as a paused machine does, wakes up in the middle of its words, and another one may have
 * said them since. So each writing asks right before it goes out. However long it waited in the outbox is no doubt:
 * with many incidents open, everything waits.
 */
export function createFreshWriter(writer: SlackWriter, pauses: PauseDetector): FreshWriter {
  let knownAtMs: number | null = null;
  return {
    writer: {
      ...writer,
      outbox: {
        ...writer.outbox,
        send: (call, repeatable) =>
          writer.outbox.send(() => {
            if (knownAtMs === null || pauses.isSince(knownAtMs)) {
              throw new Error('Another process may have posted: what is in Slack is read again.');
            }
            return call();
          }, repeatable),
      },
    },
    knownAt(atMs) {
      knownAtMs = atMs;
    },
    doubt() {
      knownAtMs = null;
    },
  };
}
