import { z } from 'zod';
import type { JournalDraft } from '../runbook/approvals/journal.ts';
import { Actor } from '../runbook/approvals/request.ts';
import { noteKinds } from '../runbook/incidents/incident-log.ts';
import type { KeptNote } from '../runbook/incidents/incident-log.ts';
import type { StepEntry } from '../runbook/remedies/remedy.ts';
import { genesis, nextEntry } from './chain.ts';
import type { Head, JournalEntry } from './chain.ts';
import { parseStored } from './driver.ts';
import type { Row, Transaction, Value } from './driver.ts';

/** An entry may hold a plan of hundreds of sessions. */
const entriesAtOnce = 200;

export async function readHead(tx: Transaction): Promise<Head> {
  const [row] = await tx.query('SELECT seq, hash FROM dbconn.entries ORDER BY seq DESC LIMIT 1');
  return row === undefined
    ? { seq: 0, hash: genesis }
    : { seq: Number(row['seq']), hash: String(row['hash']) };
}

export async function readHashAt(tx: Transaction, seq: number): Promise<string | undefined> {
  const [row] = await tx.query('SELECT hash FROM dbconn.entries WHERE seq = $1', [seq]);
  return row === undefined ? undefined : String(row['hash']);
}

/** The end of the chain where it goes on from the one known before; that one where its entry is another by now. */
export async function readKnown(tx: Transaction, before: Head): Promise<Head> {
  const isKept = before.seq === 0 || (await readHashAt(tx, before.seq)) === before.hash;
  return isKept ? readHead(tx) : before;
}

/** The entries of one request or incident, or all, in order; those after `afterSeq` alone where it is given. */
export async function* readEntries(
  tx: Transaction,
  subject?: string,
  afterSeq = 0,
): AsyncGenerator<JournalEntry> {
  const where = subject === undefined ? '' : 'AND request = $3';
  const statement = `SELECT * FROM dbconn.entries WHERE seq > $1 ${where} ORDER BY seq LIMIT $2`;
  const last = subject === undefined ? [] : [subject];
  for (let seq = afterSeq; ;) {
    const rows = await tx.query(statement, [seq, entriesAtOnce, ...last]);
    for (const row of rows) yield toEntry(row);
    if (rows.length < entriesAtOnce) return;
    seq = Number(rows.at(-1)?.['seq']);
  }
}

export function toEntry(row: Row): JournalEntry {
  return {
    // PostgreSQL's bigint travels as text.
    seq: Number(row['seq']),
    at: String(row['at']),
    request: typeof row['request'] === 'string' ? row['request'] : null,
    kind: String(row['kind']),
    body: String(row['body']),
    previous: String(row['previous']),
    hash: String(row['hash']),
  };
}

/** Since the first of these; not before the last entry, to wherever the journal's clock was set since. */
export async function readAgeMs(
  tx: Transaction,
  request: string,
  kinds: readonly string[],
): Promise<number | undefined> {
  const [row] = await tx.query(
    `SELECT at, (SELECT at FROM dbconn.entries ORDER BY seq DESC LIMIT 1) AS last
     FROM dbconn.entries WHERE request = $1 AND kind IN (${placeholders(kinds, 2)}) ORDER BY seq LIMIT 1`,
    [request, ...kinds],
  );
  if (row === undefined) return undefined;
  const nowMs = Math.max(await tx.readNow(), Date.parse(String(row['last'])));
  return Math.max(0, nowMs - Date.parse(String(row['at'])));
}

/** `$2, $3` for two values from the second on. Without any `NULL`: nothing is in that, and an empty list is no SQL. */
export function placeholders(values: readonly Value[], first: number): string {
  return values.map((_, index) => `$${first + index}`).join(', ') || 'NULL';
}

/** `data`: the new state of its request or incident; null where it changes none. Returns the entry's number. */
export async function appendEntry(
  tx: Transaction,
  draft: JournalDraft,
  data: string | null,
): Promise<number> {
  const entry = nextEntry(draft, { head: await readHead(tx), at: await tx.stamp(), data });
  const { seq, at, request, kind, body, previous, hash } = entry;
  await tx.query(
    `INSERT INTO dbconn.entries (seq, at, request, kind, body, previous, hash)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [seq, at, request, kind, body, previous, hash],
  );
  return seq;
}

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
  return known === undefined ? [] : [{ ...parseStored(NoteBody, body), kind: known, seq, at }];
}

const StepBody = z.strictObject({
  step: z.number().int(),
  sentence: z.string(),
  facts: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
    .exactOptional(),
});

/** An entry as a step of a run; as `toNote`. */
export function toStep({ kind, at, body }: JournalEntry): StepEntry[] {
  if (kind !== 'step-intended' && kind !== 'step-done') return [];
  const note = parseStored(StepBody, body);
  return [{ ...note, kind: kind === 'step-intended' ? 'intended' : 'done', at }];
}
