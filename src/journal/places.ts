import { z } from 'zod';
import type { Place, Places } from '../runbook/approvals/notices.ts';
import type { StoredJournal } from './stored-journal.ts';

/** The time stamp of the message that this one takes the place of; null for the first. Older entries do not say. */
export const insteadOf = z.string().nullable().optional();

interface Placed {
  readonly ts: string;
  readonly insteadOf?: string | null | undefined;
}

/**
 * Which of two entries about one message holds, the earlier or the later. Two processes that post it in the same
 * moment both record where theirs stands: the later entry holds only where it knew of the earlier one.
 */
export function holdsAfter<T extends Placed>(earlier: T | undefined, later: T): T {
  const isKnown =
    earlier === undefined ||
    later.insteadOf === undefined ||
    later.ts === earlier.ts ||
    later.insteadOf === earlier.ts;
  return isKnown ? later : earlier;
}

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
