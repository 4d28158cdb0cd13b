import type { Clock, Journal } from '../ports.ts';
import { uptimeOf } from '../uptime.ts';
import { bound } from './hold.ts';

/** More requests than this are never asked about again. */
const mostKnown = 1000;

/**
 * The journal of a process in which an age that was read once grows with the machine's uptime: no expiry can be stretched
 * and no cooldown cut short by setting a clock. Between processes the journal's own clock decides.
 */
export function growSteadily(journal: Journal, clock: Clock): Journal {
  const known = new Map<string, { readonly ageMs: number; readonly atMs: number }>();
  return {
    ...bound(journal),
    async readAgeMs(request, kinds) {
      const key = [request, ...kinds].join(' ');
      const nowMs = uptimeOf(clock);
      const first = known.get(key);
      if (first !== undefined) return first.ageMs + nowMs - first.atMs;
      const ageMs = await journal.readAgeMs(request, kinds);
      if (ageMs === undefined) return undefined;
      known.set(key, { ageMs, atMs: nowMs });
      const [oldest] = known.keys();
      if (known.size > mostKnown && oldest !== undefined) known.delete(oldest);
      return ageMs;
    },
  };
}
