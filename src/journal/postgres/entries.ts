import { z } from 'zod';
import { JournalUnavailable, LeaseLost } from '../../runbook/approvals/journal.ts';
import type { Holder, JournalDraft } from '../../runbook/approvals/journal.ts';
import { genesis, nextEntry } from '../chain.ts';
import type { Head, JournalEntry } from '../chain.ts';
import { leaderLease, longestLeaseMs } from '../stored-journal.ts';
import type { Query, Row } from './session.ts';

/** An entry may hold a plan of hundreds of sessions. */
const entriesAtOnce = 200;

export async function readHead(query: Query): Promise<Head> {
  const statement = 'SELECT seq, hash FROM dbconn.entries ORDER BY seq DESC LIMIT 1';
  const [row] = await query(statement);
  return row === undefined
    ? { seq: 0, hash: genesis }
    : { seq: Number(row['seq']), hash: String(row['hash']) };
}

export async function readHashAt(query: Query, seq: number): Promise<string | undefined> {
  const [row] = await query('SELECT hash FROM dbconn.entries WHERE seq = $1', [seq]);
  return row === undefined ? undefined : String(row['hash']);
}

/** The end of the chain where it goes on from the one known before; that one where its entry is another by now. */
export async function readKnown(query: Query, before: Head): Promise<Head> {
  const isKept = before.seq === 0 || (await readHashAt(query, before.seq)) === before.hash;
  return isKept ? readHead(query) : before;
}

/** The entries of one request or incident, or all, in order; those after `afterSeq` alone where it is given. */
export async function* readEntries(
  query: Query,
  subject?: string,
  afterSeq = 0,
): AsyncGenerator<JournalEntry> {
  const where = subject === undefined ? '' : 'AND request = $3';
  const statement = `SELECT * FROM dbconn.entries WHERE seq > $1 ${where} ORDER BY seq LIMIT $2`;
  const last = subject === undefined ? [] : [subject];
  for (let seq = afterSeq; ;) {
    const rows = await query(statement, [seq, entriesAtOnce, ...last]);
    for (const row of rows) yield toEntry(row);
    if (rows.length < entriesAtOnce) return;
    seq = Number(rows.at(-1)?.['seq']);
  }
}

/** By the server's clock, and not before the last entry, to wherever that clock was set since. */
export async function readAgeMs(
  query: Query,
  request: string,
  kinds: readonly string[],
): Promise<number | undefined> {
  const [row] = await query(
    `SELECT extract(epoch FROM greatest(clock_timestamp(),
         (SELECT at::timestamptz FROM dbconn.entries ORDER BY seq DESC LIMIT 1)) - at::timestamptz) * 1000 AS age
     FROM dbconn.entries WHERE request = $1 AND kind = ANY ($2) ORDER BY seq LIMIT 1`,
    [request, kinds],
  );
  return row === undefined ? undefined : Math.max(0, Number(row['age']));
}

export function toEntry(row: Row): JournalEntry {
  return EntryRow.parse(row);
}

const nowStatement = `SELECT pg_total_relation_size('dbconn.entries') AS bytes,
  to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at`;

/** What an entry is written from, besides the database. */
interface Writing {
  readonly draft: JournalDraft;
  /** The new state of its request or incident; null where it changes none. */
  readonly data: string | null;
  readonly maxBytes: number;
}

/** In a transaction that holds the journal's lock. Returns the entry's number. */
export async function appendEntry(
  query: Query,
  { draft, data, maxBytes }: Writing,
): Promise<number> {
  const head = await readHead(query);
  const [now] = await query(nowStatement);
  if (Number(now?.['bytes']) > maxBytes) {
    throw new JournalUnavailable(
      'The journal is full: it has come to its own bound. Name a new database.',
    );
  }
  const entry = nextEntry(draft, { head, at: String(now?.['at']), data });
  const { seq, at, request, kind, body, previous, hash } = entry;
  await query('INSERT INTO dbconn.entries VALUES ($1, $2, $3, $4, $5, $6, $7)', [
    seq,
    at,
    request,
    kind,
    body,
    previous,
    hash,
  ]);
  return seq;
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

/** In a transaction that holds the journal's lock, as all of these. False where the request has ended or somebody's lease stands. */
export async function takeFreeLease(
  query: Query,
  request: string,
  holder: Holder,
): Promise<boolean> {
  const free = await query(
    `SELECT FROM dbconn.requests WHERE id = $1 AND state IN ('approved', 'executing', 'verifying')
       AND NOT EXISTS (SELECT FROM dbconn.leases WHERE request = id AND until > clock_timestamp()
         AND until < clock_timestamp() + $2 * interval '1 millisecond')`,
    [request, longestLeaseMs],
  );
  if (free.length === 1) await takeLease(query, request, holder);
  return free.length === 1;
}

/** Takes or prolongs the one lease on all incidents. False while another holder's stands. */
export async function takeLeaderLease(query: Query, holder: Holder): Promise<boolean> {
  const others = await query(
    `SELECT FROM dbconn.leases WHERE request = $1 AND holder <> $2 AND until > clock_timestamp()
       AND until < clock_timestamp() + $3 * interval '1 millisecond'`,
    [leaderLease, holder.id, longestLeaseMs],
  );
  if (others.length === 0) await takeLease(query, leaderLease, holder);
  return others.length === 0;
}

export async function takeLease(
  query: Query,
  request: string,
  { id, forMs }: Holder,
): Promise<void> {
  await query(
    `INSERT INTO dbconn.leases VALUES ($1, $2, clock_timestamp() + $3 * interval '1 millisecond')
     ON CONFLICT (request) DO UPDATE SET holder = EXCLUDED.holder, until = EXCLUDED.until`,
    [request, id, forMs],
  );
}

export async function dropLease(query: Query, request: string, { id }: Holder): Promise<void> {
  await query('DELETE FROM dbconn.leases WHERE request = $1 AND holder = $2', [request, id]);
}

/**
 * Whose lease it is decides, not its time: one that has run out but was not taken is still one's own. It is prolonged, so
 * that nobody takes the request over while what was written is being done.
 */
export async function useLease(query: Query, { request, holder }: JournalDraft): Promise<void> {
  if (holder === undefined || request === undefined) return;
  const held = await query(
    `UPDATE dbconn.leases SET until = clock_timestamp() + $3 * interval '1 millisecond'
     WHERE request = $1 AND holder = $2 RETURNING request`,
    [request, holder.id, holder.forMs],
  );
  if (held.length !== 1) throw new LeaseLost(request);
}
