import { canonicalJson } from '../runbook/remedies/plan.ts';
import type { JournalDraft } from '../runbook/ports.ts';
import { hashEntry, sha256 } from './chain.ts';
import type { JournalEntry } from './chain.ts';
import type { Head } from './stored-journal.ts';

export interface Next {
  readonly head: Head;
  /** UTC ISO text. */
  readonly at: string;
  /** The request's new state, whose hash the entry vouches for; null where it changes none. */
  readonly data: string | null;
}

/** The draft as the entry that follows the head. */
export function nextEntry({ request, kind, body }: JournalDraft, next: Next): JournalEntry {
  const { head, at, data } = next;
  const state = data === null ? {} : { requestSha256: sha256(data) };
  const entry = {
    seq: head.seq + 1,
    at,
    request: request ?? null,
    kind,
    body: canonicalJson({ ...body, ...state }),
    previous: head.hash,
  };
  return { ...entry, hash: hashEntry(entry) };
}
