import { z } from 'zod';
import { genesis, hashEntry, sha256 } from './chain.ts';
import type { JournalEntry } from './chain.ts';

export type Verification =
  | { readonly ok: true; readonly entries: number; readonly head: string }
  | {
      readonly ok: false;
      /** The first entry that is wrong, or null when the fault is not in one entry. */
      readonly seq: number | null;
      readonly problem: string;
    };

export interface Beside {
  /** Rows of `requests`: id, data. */
  readonly requests: readonly Readonly<Record<string, unknown>>[];
  /** Whether an emergency stop is set. */
  readonly stopped: boolean;
  /** A head somebody kept elsewhere. Without one, entries cut off at the end cannot be noticed. */
  readonly anchor: { readonly seq: number; readonly hash: string } | undefined;
}

const Vouched = z.looseObject({ requestSha256: z.string() });

/** Walks the chain from its first entry, and checks that each request is what its last entry vouched for. */
export function verifyJournal(
  entries: Iterable<JournalEntry>,
  { requests, stopped, anchor }: Beside,
): Verification {
  const vouched = new Map<string, string>();
  let stop = false;
  let last = { seq: 0, hash: genesis };
  let anchored = anchor === undefined || (anchor.seq === 0 && anchor.hash === genesis);
  for (const entry of entries) {
    const problem = whyWrong(entry, last);
    if (problem !== undefined) return { ok: false, seq: entry.seq, problem };
    last = entry;
    anchored ||= anchor?.seq === entry.seq && anchor.hash === entry.hash;
    if (entry.kind === 'stopped' || entry.kind === 'go') stop = entry.kind === 'stopped';
    const hash = Vouched.safeParse(JSON.parse(entry.body));
    if (entry.request !== null && hash.success) vouched.set(entry.request, hash.data.requestSha256);
  }
  if (!anchored) {
    return { ok: false, seq: null, problem: 'The head that was kept elsewhere is not in it.' };
  }
  const strange = requests.find(({ id, data }) => vouched.get(String(id)) !== sha256(String(data)));
  const missing = vouched.size > requests.length;
  if (strange !== undefined || missing) {
    return { ok: false, seq: null, problem: 'A request is not what its last entry says.' };
  }
  if (stop !== stopped) {
    return { ok: false, seq: null, problem: 'The emergency stop is not what its last entry says.' };
  }
  return { ok: true, entries: last.seq, head: last.hash };
}

function whyWrong(
  entry: JournalEntry,
  last: { readonly seq: number; readonly hash: string },
): string | undefined {
  if (entry.seq !== last.seq + 1) return `Entry ${last.seq + 1} is missing.`;
  if (entry.previous !== last.hash) return 'It does not follow from the entry before it.';
  return hashEntry(entry) === entry.hash ? undefined : 'It was changed after it was written.';
}
