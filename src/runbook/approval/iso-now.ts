import type { Clock } from '../snapshot/ports.ts';

/** UTC ISO text with milliseconds. */
export function isoNow(clock: Clock): string {
  return new Date(clock.now()).toISOString();
}
