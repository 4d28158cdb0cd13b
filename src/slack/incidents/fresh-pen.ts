import type { Pen } from './thread.ts';

/** A pen that refuses to write once too much time has passed since it was known what stands in Slack. */
export interface FreshPen {
  readonly pen: Pen;
  /** What stands in Slack was known at that moment of performance.now(). */
  knownAt(atMs: number): void;
}

/**
 * A process that stood still, as a paused machine does, wakes up in the middle of its words, and another one may have
 * said them since. So each writing asks right before it goes out; time that passes in the outbox counts too.
 */
export function createFreshPen(pen: Pen, freshForMs: number): FreshPen {
  let knownAtMs = Number.NEGATIVE_INFINITY;
  return {
    pen: {
      ...pen,
      outbox: {
        ...pen.outbox,
        send: (call, repeatable) =>
          pen.outbox.send(async () => {
            const beginsAtMs = performance.now();
            if (beginsAtMs - knownAtMs > freshForMs) {
              throw new Error('Too much time has passed: what stands in Slack is made out anew.');
            }
            const answer = await call();
            knownAtMs = beginsAtMs;
            return answer;
          }, repeatable),
      },
    },
    knownAt(atMs) {
      knownAtMs = atMs;
    },
  };
}
