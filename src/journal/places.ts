import { z } from 'zod';
import type { Place, Places } from '../runbook/ports.ts';
import type { StoredJournal } from './stored-journal.ts';

const Posted = z.looseObject({ channel: z.string(), ts: z.string() });
const kind = 'posted';

/** Keeps where each request's message stands as an entry of the journal: the last one holds. */
export function createPlaces(journal: StoredJournal): Places {
  return {
    async readPlace(request): Promise<Place | undefined> {
      const entries = await journal.entries(request);
      const last = entries.findLast((entry) => entry.kind === kind);
      if (last === undefined) return undefined;
      const { channel, ts } = Posted.parse(JSON.parse(last.body));
      return { channel, ts };
    },
    writePlace: (request, { channel, ts }) =>
      journal.record({ request, kind, body: { channel, ts } }),
  };
}
