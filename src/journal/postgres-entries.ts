import { z } from 'zod';
import { genesis } from './chain.ts';
import type { JournalEntry } from './chain.ts';
import type { Query } from './postgres-session.ts';
import type { Head } from './stored-journal.ts';

/** An entry may hold a plan of hundreds of sessions. */
const entriesAtOnce = 200;

export async function readHead(query: Query): Promise<Head> {
  const statement = 'SELECT seq, hash FROM dbconn.entries ORDER BY seq DESC LIMIT 1';
  const [row] = await query(statement);
  return row === undefined
    ? { seq: 0, hash: genesis }
    : { seq: Number(row['seq']), hash: String(row['hash']) };
}

/** The entries of one request, or all, in order. */
export async function* readEntries(query: Query, request?: string): AsyncGenerator<JournalEntry> {
  const where = request === undefined ? '' : 'AND request = $3';
  const statement = `SELECT * FROM dbconn.entries WHERE seq > $1 ${where} ORDER BY seq LIMIT $2`;
  const last = request === undefined ? [] : [request];
  for (let seq = 0; ;) {
    const rows = await query(statement, [seq, entriesAtOnce, ...last]);
    for (const row of rows) yield EntryRow.parse(row);
    if (rows.length < entriesAtOnce) return;
    seq = Number(rows.at(-1)?.['seq']);
  }
}

const EntryRow = z.object({
  // A bigint travels as text.
  seq: z.coerce.number().int(),
  at: z.string(),
  request: z.string().nullable(),
  kind: z.string(),
  body: z.string(),
  previous: z.string(),
  hash: z.string(),
});
