import type { Standstill } from './standstill.ts';
import type { Outbox } from '../outbox.ts';

/** A pen that refuses to write once it may no longer be known what stands in Slack. */
export interface FreshPen<Pen> {
  readonly pen: Pen;
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
export function createFreshPen<Pen extends { readonly outbox: Outbox }>(
  pen: Pen,
  standstill: Standstill,
): FreshPen<Pen> {
  let knownAtMs: number | null = null;
  return {
    pen: {
      ...pen,
      outbox: {
        ...pen.outbox,
        send: (call, repeatable) =>
          pen.outbox.send(() => {
            if (knownAtMs === null || standstill.isSince(knownAtMs)) {
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
