import { z } from 'zod';
import type { IncidentMark, IncidentMarks } from '../runbook/ports/incident-marks.ts';
import type { StoredJournal } from './stored-journal.ts';

const Mark = z.looseObject({
  channel: z.string(),
  ts: z.string(),
  upTo: z.number().int(),
  lastTs: z.string().nullable(),
});
const kind = 'incident-told';

/** Keeps what an incident's thread was told as entries of the journal: the last one holds. */
export function createIncidentMarks(
  journal: Pick<StoredJournal, 'entries' | 'record'>,
): IncidentMarks {
  return {
    async readMark(incident): Promise<IncidentMark | undefined> {
      const entries = await journal.entries(incident);
      const last = entries.findLast((entry) => entry.kind === kind);
      if (last === undefined) return undefined;
      const { channel, ts, upTo, lastTs } = Mark.parse(JSON.parse(last.body));
      return { place: { channel, ts }, upTo, lastTs };
    },
    writeMark: (incident, { place, upTo, lastTs }) =>
      journal.record({ incident, kind, body: { ...place, upTo, lastTs } }),
  };
}
