import type { Clock } from './ports.ts';

/** Milliseconds that only ever grow, for what must not depend on a clock somebody sets; `now` where a clock has no other. */
export function uptimeOf(clock: Pick<Clock, 'now' | 'uptime'>): number {
  return clock.uptime?.() ?? clock.now();
}
