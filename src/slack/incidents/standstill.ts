/** Knows when this process stood still: paused with its machine, or starved. Another one may have spoken meanwhile. */
export interface PauseDetector {
  /** Whether it did after that moment of performance.now(). */
  isSince(atMs: number): boolean;
}

const tickMs = 1000;
/** Far shorter than the lease of whoever tends the incidents. */
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
