import { z } from 'zod';
import type { Place, Places } from '../runbook/snapshot/ports.ts';
import { holdsAfter, insteadOf } from './holds-after.ts';
import type { StoredJournal } from './stored-journal.ts';

const Posted = z.looseObject({ channel: z.string(), ts: z.string(), insteadOf });
const kind = 'posted';

/** Keeps where each request's message stands as an entry of the journal. */
export function createPlaces(journal: Pick<StoredJournal, 'entries' | 'record'>): Places {
  const readPlace = async (request: string): Promise<Place | undefined> => {
    const entries = await journal.entries(request);
    const held = entries
      .filter((entry) => entry.kind === kind)
      .map(({ body }) => Posted.parse(JSON.parse(body)))
      .reduce<z.infer<typeof Posted> | undefined>(holdsAfter, undefined);
    return held === undefined ? undefined : { channel: held.channel, ts: held.ts };
  };
  return {
    readPlace,
    async writePlace(request, { channel, ts }, before) {
      const body = { channel, ts, insteadOf: before?.ts ?? null };
      await journal.record({ request, kind, body });
      return (await readPlace(request)) ?? { channel, ts };
    },
  };
}
