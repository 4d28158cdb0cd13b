import type { Clock } from '../snapshot/ports.ts';
import { uptimeOf } from '../uptime.ts';
import type { IncidentLog } from '../ports/incident-log.ts';
import type { Incident } from './incident.ts';

interface Lists {
  readonly open: readonly Incident[];
  readonly merged: readonly Incident[];
  /** The latest ones that are over, as they were a few seconds ago. */
  readonly past: readonly Incident[];
}

/** Each target has one open incident at most. */
const mostOpen = 1000;
/** More do not owe anything any more. */
const mostPast = 200;
/** Little happens to what is over, and reading two hundred of them each second would be work for nothing. */
const pastEveryMs = 10_000;

/** The incidents that a round is about. */
export function createLists(
  log: Pick<IncidentLog, 'listIncidents'>,
  clock: Pick<Clock, 'now' | 'uptime'>,
): { read(): Promise<Lists>; refresh(): void } {
  let before: Lists = { open: [], merged: [], past: [] };
  let readAtMs = -Infinity;
  return {
    async read() {
      const open = await log.listIncidents({ states: ['open'], limit: mostOpen });
      const merged = await log.listIncidents({ states: ['merged'], limit: mostOpen });
      const still = new Set([...open, ...merged].map(({ id }) => id));
      const hasEnded = [...before.open, ...before.merged].some(({ id }) => !still.has(id));
      const isOld = uptimeOf(clock) - readAtMs >= pastEveryMs;
      let { past } = before;
      if (hasEnded || isOld) {
        readAtMs = uptimeOf(clock);
        past = await log.listIncidents({ states: ['resolved'], limit: mostPast });
      }
      // One that was taken up again is no longer over, whatever was read before.
      before = { open, merged, past: past.filter(({ id }) => !still.has(id)) };
      return before;
    },
    refresh() {
      readAtMs = -Infinity;
    },
  };
}
