import { z } from 'zod';
import { RequestTrail, genesis, hashEntry, readBody, saysWhatBecame, sha256 } from './chain.ts';
import type { Head, JournalEntry, Verification } from './chain.ts';
import type { Transaction } from './driver.ts';
import { readEntries } from './entries.ts';
import { incidents, requests, selectTexts, textOfRow } from './subjects.ts';
import type { Subject, Table } from './subjects.ts';
import { isStopped } from './truth.ts';

/**
 * Walks the chain from its first entry on: follows each request's votes, plan and states through its entries, and checks
 * that each request and each incident is what its last entry vouched for. `heads`: hashes somebody kept elsewhere. Without
 * one, entries cut off at the end cannot be noticed.
 */
export async function verifyJournal(
  tx: Transaction,
  heads: readonly string[] = [],
): Promise<Verification> {
  const followed: Followed = { trails: new Map(), hashes: new Map() };
  const missing = new Set(heads.filter((head) => head !== genesis));
  let last: Head = { seq: 0, hash: genesis };
  let stop = false;
  for await (const entry of readEntries(tx)) {
    const { seq, hash, kind } = entry;
    const problem = whyWrong(entry, last) ?? follow(entry, followed);
    // Nothing behind it can be told any more.
    if (problem !== undefined) return { ok: false, seq, problem };
    last = { seq, hash };
    missing.delete(hash);
    if (kind === 'stopped' || kind === 'go') stop = kind === 'stopped';
  }
  const no = (problem: string): Verification => ({ ok: false, seq: null, problem });
  const [lost] = missing;
  if (lost !== undefined) return no(`The head that was kept elsewhere is not in it: ${lost}.`);
  const untrue = whyUntrue(followed.trails, await readTexts(tx, requests));
  if (untrue !== undefined) return no(untrue);
  if (!agree(followed.hashes, await readTexts(tx, incidents))) {
    return no('An incident is not what its last entry says.');
  }
  if (stop !== (await isStopped(tx))) {
    return no('The emergency stop is not what its last entry says.');
  }
  return { ok: true, entries: last.seq, head: last.hash };
}

function whyWrong(entry: JournalEntry, last: Head): string | undefined {
  if (entry.seq !== last.seq + 1) return `Entry ${last.seq + 1} is missing.`;
  if (entry.previous !== last.hash) return 'It does not follow from the entry before it.';
  return hashEntry(entry) === entry.hash ? undefined : 'It was changed after it was written.';
}

/** By their ids. */
interface Followed {
  readonly trails: Map<string, RequestTrail>;
  /** Of each incident's state, as its last entry vouches for it. */
  readonly hashes: Map<string, string>;
}

const OfIncident = z.looseObject({ incidentSha256: z.string() });

function follow(entry: JournalEntry, { trails, hashes }: Followed): string | undefined {
  const { request: id, body } = entry;
  if (id === null) return undefined;
  if (saysWhatBecame(body)) {
    const trail = trails.get(id) ?? new RequestTrail();
    trails.set(id, trail);
    return trail.add(entry);
  }
  if (body.includes('"foundSha256":')) {
    return 'Its incident was changed past the journal’s entries before it.';
  }
  if (!body.includes('"incidentSha256":')) return undefined;
  const state = OfIncident.safeParse(readBody(body));
  if (state.success) hashes.set(id, state.data.incidentSha256);
  return undefined;
}

/** Of each row the id and the text. */
type Texts = readonly (readonly [id: string, data: string])[];

async function readTexts<T extends Subject>(tx: Transaction, table: Table<T>): Promise<Texts> {
  const rows = await tx.query(selectTexts(tx, table));
  return rows.map((row) => [String(row['id']), textOfRow(tx, table, row)] as const);
}

function whyUntrue(trails: ReadonlyMap<string, RequestTrail>, rows: Texts): string | undefined {
  for (const [id, data] of rows) {
    const problem = (trails.get(id) ?? new RequestTrail()).whyUntrue(data);
    if (problem !== undefined) return `Request ${id} was changed: ${problem}.`;
  }
  return trails.size === rows.length ? undefined : 'A request that its entries name is missing.';
}

/** Each row as its last entry vouched for, and no row missing. */
function agree(hashes: ReadonlyMap<string, string>, rows: Texts): boolean {
  const isKnown = rows.every(([id, data]) => hashes.get(id) === sha256(data));
  return isKnown && hashes.size === rows.length;
}
