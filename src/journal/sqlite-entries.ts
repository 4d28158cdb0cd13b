import type { DatabaseSync } from 'node:sqlite';
import type { Clock, JournalDraft } from '../runbook/ports.ts';
import { genesis } from './chain.ts';
import type { JournalEntry } from './chain.ts';
import { nextEntry } from './next-entry.ts';
import type { Head } from './stored-journal.ts';

export function readHead(database: DatabaseSync): Head {
  const row = database.prepare('SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1').get();
  return row === undefined
    ? { seq: 0, hash: genesis }
    : { seq: Number(row['seq']), hash: String(row['hash']) };
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
  for (const row of rows) {
    yield {
      seq: Number(row['seq']),
      at: String(row['at']),
      request: row['request'] === null ? null : String(row['request']),
      kind: String(row['kind']),
      body: String(row['body']),
      previous: String(row['previous']),
      hash: String(row['hash']),
    };
  }
}

/** What an entry is written from, besides the file. */
export interface Writing {
  readonly clock: Clock;
  readonly draft: JournalDraft;
  /** The new state of its request or incident; null where it changes none. */
  readonly data: string | null;
}

/** Inside a transaction. Returns the entry's number. */
export function appendEntry(database: DatabaseSync, { clock, draft, data }: Writing): number {
  const at = new Date(clock.now()).toISOString();
  const entry = nextEntry(draft, { head: readHead(database), at, data });
  const { seq, request, kind, body, previous, hash } = entry;
  database
    .prepare(
      'INSERT INTO entries (seq, at, request, kind, body, previous, hash) VALUES (?, ?, ?, ?, ?, ?, ?)',
    )
    .run(seq, at, request, kind, body, previous, hash);
  return seq;
}
