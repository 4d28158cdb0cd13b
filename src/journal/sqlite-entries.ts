import type { DatabaseSync } from 'node:sqlite';
import type { JournalDraft } from '../runbook/snapshot/ports.ts';
import { genesis } from './chain.ts';
import type { Head, JournalEntry } from './chain.ts';
import { nextEntry } from './next-entry.ts';
import { readClock } from './sqlite-clock.ts';
import type { BootClock } from './sqlite-clock.ts';

export function readHead(database: DatabaseSync): Head {
  const row = database.prepare('SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1').get();
  return row === undefined
    ? { seq: 0, hash: genesis }
    : { seq: Number(row['seq']), hash: String(row['hash']) };
}

export function readHashAt(database: DatabaseSync, seq: number): string | undefined {
  const row = database.prepare('SELECT hash FROM entries WHERE seq = ?').get(seq);
  return row === undefined ? undefined : String(row['hash']);
}

/** The end of the chain where it goes on from the one known before; that one where its entry is another by now. */
export function readKnown(database: DatabaseSync, before: Head): Head {
  const isKept = before.seq === 0 || readHashAt(database, before.seq) === before.hash;
  return isKept ? readHead(database) : before;
}

/** The entries of one request or incident, or all, in order; those after `afterSeq` alone where it is given. */
export function* readEntries(
  database: DatabaseSync,
  subject?: string,
  afterSeq = 0,
): Generator<JournalEntry> {
  const where = subject === undefined ? '' : 'AND request = ?';
  const statement = database.prepare(`SELECT * FROM entries WHERE seq > ? ${where} ORDER BY seq`);
  const rows =
    subject === undefined ? statement.iterate(afterSeq) : statement.iterate(afterSeq, subject);
  for (const row of rows) yield toEntry(row);
}

export function toEntry(row: Readonly<Record<string, unknown>>): JournalEntry {
  return {
    seq: Number(row['seq']),
    at: String(row['at']),
    request: typeof row['request'] === 'string' ? row['request'] : null,
    kind: String(row['kind']),
    body: String(row['body']),
    previous: String(row['previous']),
    hash: String(row['hash']),
  };
}

/** When the request's first entry of one of these kinds was written, in milliseconds since the epoch. */
export function readFirstAt(
  database: DatabaseSync,
  request: string,
  kinds: readonly string[],
): number | undefined {
  const row = database
    .prepare(
      `SELECT at FROM entries WHERE request = ? AND kind IN (SELECT value FROM json_each(?))
       ORDER BY seq LIMIT 1`,
    )
    .get(request, JSON.stringify(kinds));
  return row === undefined ? undefined : Date.parse(String(row['at']));
}

/** What an entry is written from, besides the file. */
interface Writing {
  readonly clock: BootClock;
  readonly draft: JournalDraft;
  /** The new state of its request or incident; null where it changes none. */
  readonly data: string | null;
}

/** Inside a transaction. Returns the new end of the chain. */
export function appendEntry(database: DatabaseSync, { clock, draft, data }: Writing): Head {
  const at = new Date(readClock(database, clock)).toISOString();
  const entry = nextEntry(draft, { head: readHead(database), at, data });
  const { seq, request, kind, body, previous, hash } = entry;
  database
    .prepare(
      'INSERT INTO entries (seq, at, request, kind, body, previous, hash) VALUES (?, ?, ?, ?, ?, ?, ?)',
    )
    .run(seq, at, request, kind, body, previous, hash);
  return { seq, hash };
}
