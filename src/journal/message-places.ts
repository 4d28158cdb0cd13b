import { z } from 'zod';
import type { Places } from '../runbook/approvals/notices.ts';
import type { IncidentMarks } from '../runbook/reports/incident-board.ts';
import type { StoredJournal } from './stored-journal.ts';

type Entries = Pick<StoredJournal, 'entries' | 'record'>;

/** Where a message stands. */
const Posted = z.looseObject({
  channel: z.string(),
  ts: z.string(),
  /** The time stamp of the message that this one takes the place of; null for the first. Older entries do not say. */
  insteadOf: z.string().nullable().optional(),
});
type Posted = z.infer<typeof Posted>;

/** And how much of its timeline an incident's thread was told. */
const Told = Posted.extend({ upTo: z.number().int(), lastTs: z.string().nullable() });

/** What the entries of that kind say of their request's or incident's message; undefined without any. */
async function readHeld<T extends Posted>(
  journal: Entries,
  { subject, kind }: { readonly subject: string; readonly kind: string },
  schema: z.ZodType<T>,
): Promise<T | undefined> {
  const entries = await journal.entries(subject);
  return entries
    .filter((entry) => entry.kind === kind)
    .map(({ body }) => schema.parse(JSON.parse(body)))
    .reduce<T | undefined>(holdsAfter, undefined);
}

/**
 * Which of two entries about one message holds, the earlier or the later. Two processes that post it in the same
 * moment both record where theirs stands: the later entry holds only where it knew of the earlier one.
 */
function holdsAfter<T extends Posted>(earlier: T | undefined, later: T): T {
  const isKnown =
    earlier === undefined ||
    later.insteadOf === undefined ||
    later.ts === earlier.ts ||
    later.insteadOf === earlier.ts;
  return isKnown ? later : earlier;
}

/** Keeps where each request's message stands as an entry of the journal. */
export function createPlaces(journal: Entries): Places {
  const kind = 'posted';
  const readPlace: Places['readPlace'] = async (request) => {
    const held = await readHeld(journal, { subject: request, kind }, Posted);
    return held && { channel: held.channel, ts: held.ts };
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

/** Keeps what an incident's thread was told as entries of the journal: the last one about its message holds. */
export function createIncidentMarks(journal: Entries): IncidentMarks {
  const kind = 'incident-told';
  return {
    async readMark(incident) {
      const held = await readHeld(journal, { subject: incident, kind }, Told);
      if (held === undefined) return undefined;
      const { channel, ts, upTo, lastTs } = held;
      return { place: { channel, ts }, upTo, lastTs };
    },
    writeMark: (incident, { place, upTo, lastTs }, before) =>
      journal.record({
        incident,
        kind,
        body: { ...place, upTo, lastTs, insteadOf: before?.ts ?? null },
      }),
  };
}
