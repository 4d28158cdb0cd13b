import { z } from 'zod';
import type { IncidentMark, IncidentMarks } from '../runbook/reports/incident-board.ts';
import { holdsAfter, insteadOf } from './places.ts';
import type { StoredJournal } from './stored-journal.ts';

const Mark = z.looseObject({
  channel: z.string(),
  ts: z.string(),
  upTo: z.number().int(),
  lastTs: z.string().nullable(),
  insteadOf,
});
const kind = 'incident-told';

/** Keeps what an incident's thread was told as entries of the journal: the last one about its message holds. */
export function createIncidentMarks(
  journal: Pick<StoredJournal, 'entries' | 'record'>,
): IncidentMarks {
  return {
    async readMark(incident): Promise<IncidentMark | undefined> {
      const entries = await journal.entries(incident);
      const held = entries
        .filter((entry) => entry.kind === kind)
        .map(({ body }) => Mark.parse(JSON.parse(body)))
        .reduce<z.infer<typeof Mark> | undefined>(holdsAfter, undefined);
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
