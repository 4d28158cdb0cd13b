import { canonicalJson } from '../runbook/remedies/plan.ts';
import type { JournalDraft } from '../runbook/snapshot/ports.ts';
import { hashEntry, sha256 } from './chain.ts';
import type { Head, JournalEntry } from './chain.ts';
import { claimsOf } from './claims.ts';

interface Next {
  readonly head: Head;
  /** UTC ISO text. */
  readonly at: string;
  /** The new state of its request or incident, whose hash the entry vouches for; null where it changes none. */
  readonly data: string | null;
}

/** The draft as the entry that follows the head. */
export function nextEntry(draft: JournalDraft, { head, at, data }: Next): JournalEntry {
  const { request, incident, kind, body } = draft;
  const entry = {
    seq: head.seq + 1,
    at,
    request: request ?? incident ?? null,
    kind,
    body: canonicalJson({ ...body, ...vouch(draft, data) }),
    previous: head.hash,
  };
  return { ...entry, hash: hashEntry(entry) };
}

function vouch({ request }: JournalDraft, data: string | null): Record<string, unknown> {
  if (data === null) return {};
  if (request === undefined) return { incidentSha256: sha256(data) };
  return { requestSha256: sha256(data), claims: claimsOf(data) };
}
