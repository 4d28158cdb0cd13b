import type { PauseDetector } from './standstill.ts';
import type { Outbox } from '../outbox.ts';

/** A pen that refuses to write once it may no longer be known what stands in Slack. */
export interface FreshWriter<SlackWriter> {
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
export function createFreshWriter<SlackWriter extends { readonly outbox: Outbox }>(
  writer: SlackWriter,
  pauses: PauseDetector,
): FreshWriter<SlackWriter> {
  let knownAtMs: number | null = null;
  return {
    writer: {
      ...writer,
      outbox: {
        ...writer.outbox,
        send: (call, repeatable) =>
          writer.outbox.send(() => {
            if (knownAtMs === null || pauses.isSince(knownAtMs)) {
              throw new Error(
                'Another process may have spoken: what stands in Slack is made out anew.',
              );
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
