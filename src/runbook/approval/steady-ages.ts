import type { Clock, Journal } from '../snapshot/ports.ts';
import { uptimeOf } from '../uptime.ts';
import { bound } from './hold.ts';

/** More requests than this are never asked about again. */
const mostKnown = 1000;

/** Kinds of entries whose age decides, besides the first one's. */
const decides: ReadonlySet<string> = new Set(['handed', 'ran-by-hand', 'verifying']);

/**
 * The journal of a process in which an age that was read once, or of an entry it wrote itself, grows with the machine's
 * uptime: no expiry can be stretched and no cooldown cut short by setting a clock. Between processes the journal's own
 * clock decides.
 */
export function growSteadily(journal: Journal, clock: Clock): Journal {
  /** Of each request and kinds of entries: when the first one was written, by the machine's uptime. */
  const known = new Map<string, number>();
  const know = (key: string, atMs: number): void => {
    if (known.has(key)) return;
    known.set(key, atMs);
    const [oldest] = known.keys();
    if (known.size > mostKnown && oldest !== undefined) known.delete(oldest);
  };
  return {
    ...bound(journal),
    async create(request, entry) {
      const atMs = uptimeOf(clock);
      await journal.create(request, entry);
      know(`${request.id} ${entry.kind}`, atMs);
    },
    async move(from, to, entry) {
      const atMs = uptimeOf(clock);
      const moved = await journal.move(from, to, entry);
      if (moved === 'moved' && decides.has(entry.kind)) know(`${to.id} ${entry.kind}`, atMs);
      return moved;
    },
    async readAgeMs(request, kinds) {
      const key = [request, ...kinds].join(' ');
      const keys = [key, ...kinds.map((kind) => `${request} ${kind}`)];
      const written = keys.flatMap((one) => known.get(one) ?? []);
      if (written.length > 0) return uptimeOf(clock) - Math.min(...written);
      const readAtMs = uptimeOf(clock);
      const ageMs = await journal.readAgeMs(request, kinds);
      if (ageMs !== undefined) know(key, readAtMs - ageMs);
      return ageMs;
    },
  };
}
