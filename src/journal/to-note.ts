import { z } from 'zod';
import { Actor } from '../runbook/approval/actor.ts';
import { noteKinds } from '../runbook/incident/note.ts';
import type { KeptNote } from '../runbook/incident/note.ts';
import type { JournalEntry } from './chain.ts';
import { parseRow } from './parse-row.ts';

/** What else is in such an entry, as the hash of the incident's state, belongs to the journal. */
const NoteBody = z.object({
  sentence: z.string().nullable(),
  quote: z.string().nullable().exactOptional(),
  by: Actor.exactOptional(),
  facts: z.record(z.string(), z.unknown()).exactOptional(),
});

/** An entry as a line of an incident's timeline; nothing for every other kind of entry. Throws JournalUnavailable for a damaged one. */
export function toNote({ seq, at, kind, body }: JournalEntry): KeptNote[] {
  const known = noteKinds.find((each) => each === kind);
  return known === undefined ? [] : [{ ...parseRow(NoteBody, body), kind: known, seq, at }];
}
