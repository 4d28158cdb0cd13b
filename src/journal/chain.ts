import { hash } from 'node:crypto';
import { z } from 'zod';
import type { JournalDraft } from '../runbook/approvals/journal.ts';
import { RequestState, Vote, canFollow } from '../runbook/approvals/request.ts';
import { canonicalJson } from '../runbook/remedies/plan.ts';

/** One line of the journal. `hash` covers everything before it in this list, and through `previous` all entries before. */
export interface JournalEntry {
  readonly seq: number;
  /** UTC ISO text. */
  readonly at: string;
  /**
   * The request or the incident it belongs to, whose ids never meet: an incident's begins with `inc-`. Null for what
   * belongs to neither, such as an emergency stop.
   */
  readonly request: string | null;
  readonly kind: string;
  /** JSON text, kept byte for byte as it was hashed. */
  readonly body: string;
  readonly previous: string;
  readonly hash: string;
}

/** The last entry's number and hash: kept elsewhere, they prove later that nothing was cut off or rewritten. */
export interface Head {
  readonly seq: number;
  readonly hash: string;
}

/** What the first entry names as the one before it. */
export const genesis = '0'.repeat(64);

/** SHA-256, lower-case hex. The fields travel as a JSON list, so that no two different entries read the same. */
export function hashEntry(entry: Omit<JournalEntry, 'hash'>): string {
  const { seq, at, request, kind, body, previous } = entry;
  return sha256(JSON.stringify([seq, at, request, kind, body, previous]));
}

export function sha256(text: string): string {
  return hash('sha256', text);
}

/**
 * What an entry says of its request, besides its hash: what a run depends on. From entry to entry it may change only
 * as dbconn's own rules allow, so that a row written past the chain is found even after a later entry took it over.
 */
export const Claims = z.object({
  state: RequestState,
  /** Of the plan: what the votes are for. */
  hash: z.string(),
  votesNeeded: z.number(),
  expiresAt: z.string(),
  votes: z.array(z.object({ by: Vote.shape.by, at: Vote.shape.at })),
});
type Claims = z.infer<typeof Claims>;

/** Why an entry of that kind cannot have changed the request so; undefined where it can. `before`: undefined for its first. */
function whyImpossible(
  kind: string,
  before: Claims | undefined,
  after: Claims,
): string | undefined {
  if (before === undefined) {
    return kind === 'proposed' ? undefined : 'It belongs to a request that was never proposed.';
  }
  if (after.hash !== before.hash) return 'The plan of its request changed.';
  if (after.votesNeeded !== before.votesNeeded) return 'The number of votes needed changed.';
  if (after.expiresAt !== before.expiresAt) return 'The expiry of its request changed.';
  const added = after.votes.slice(before.votes.length);
  const kept = after.votes.slice(0, before.votes.length);
  if (JSON.stringify(kept) !== JSON.stringify(before.votes)) return 'A vote changed.';
  if (added.length > (kind === 'vote' ? 1 : 0)) return 'A vote was not recorded as one.';
  if (!canFollow(before.state, after.state)) {
    return `Its request cannot go from ${before.state} to ${after.state}.`;
  }
  const isApproval = before.state === 'proposed' && after.state === 'approved';
  const isShort = after.votes.length < after.votesNeeded && kind !== 'break-glass';
  return isApproval && isShort ? 'Its request was approved without the votes it needs.' : undefined;
}

/** What an entry holds; the text itself where somebody changed it into what cannot be read. */
export function readBody(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}

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
  return { requestSha256: sha256(data), claims: Claims.parse(JSON.parse(data)) };
}

const Vouched = z.looseObject({ requestSha256: z.string(), claims: Claims });

/** One request followed through its entries. */
export class RequestTrail {
  #claims: Claims | undefined;
  #sha256: string | undefined;

  /** Takes the request's next entry. Why what it says became of it cannot be, or undefined. */
  add({ kind, body }: JournalEntry): string | undefined {
    if (!saysWhatBecame(body)) return undefined;
    const vouched = Vouched.safeParse(readBody(body));
    if (!vouched.success) return 'It does not say what its request became.';
    const { requestSha256, claims } = vouched.data;
    const problem = whyImpossible(kind, this.#claims, claims);
    this.#claims = claims;
    this.#sha256 = requestSha256;
    return problem;
  }

  /** Why the request's row, which is JSON text, is not what its entries say; undefined where it is. */
  whyUntrue(data: string): string | undefined {
    if (this.#sha256 !== sha256(data)) return 'it is not what its last entry says';
    const { plan, hash } = z
      .looseObject({ plan: z.unknown(), hash: z.string() })
      .parse(JSON.parse(data));
    return sha256(canonicalJson(plan)) === hash
      ? undefined
      : 'its plan is not the one its votes are for';
  }
}

/** Of its request, told without reading the body, which may hold a large plan. */
export function saysWhatBecame(body: string): boolean {
  return body.includes('"requestSha256":');
}

export type Verification =
  | { readonly ok: true; readonly entries: number; readonly head: string }
  | {
      readonly ok: false;
      /** The first entry that is wrong, or null when the fault is not in one entry. */
      readonly seq: number | null;
      readonly problem: string;
    };
