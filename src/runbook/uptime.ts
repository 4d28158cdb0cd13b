import type { Clock } from './snapshot/ports.ts';

/** Milliseconds that only ever grow, for what must not depend on a clock somebody sets; `now` where a clock has no other. */
export function uptimeOf(clock: Pick<Clock, 'now' | 'uptime'>): number {
  return clock.uptime?.() ?? clock.now();
}

/** Whether that long went by since a moment; counted in either direction, for the clock may have been set back since. */
export function hasPassed(clock: Pick<Clock, 'now'>, sinceMs: number, forMs: number): boolean {
  return Math.abs(clock.now() - sinceMs) >= forMs;
}
