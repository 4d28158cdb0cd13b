import { z } from 'zod';
import { genesis, hashEntry, sha256 } from './chain.ts';
import type { Head, JournalEntry } from './chain.ts';
import { readBody } from './export/read-body.ts';
import { RequestTrail, isOfTrail } from './request-trail.ts';

export type Verification =
  | { readonly ok: true; readonly entries: number; readonly head: string }
  | {
      readonly ok: false;
      /** The first entry that is wrong, or null when the fault is not in one entry. */
      readonly seq: number | null;
      readonly problem: string;
    };

type Rows = readonly Readonly<Record<string, unknown>>[];

interface Beside {
  /** Rows of `requests`: id, data. */
  readonly requests: Rows;
  /** Rows of `incidents`: id, data. */
  readonly incidents: Rows;
  /** Whether an emergency stop is set. */
  readonly stopped: boolean;
}

const changedBefore = 'Its incident was changed past the journal’s entries before it.';
const OfIncident = z.looseObject({ incidentSha256: z.string() });

/**
 * Walks the chain from its first entry on: follows each request's votes, plan and states through its entries, and checks
 * that each request and each incident is what its last entry vouched for.
 */
export class JournalCheck {
  readonly #requests = new Map<string, RequestTrail>();
  readonly #incidents = new Map<string, string>();
  /** Heads that were kept elsewhere and not met yet. */
  readonly #missing: Set<string>;
  #stop = false;
  #last: Head = { seq: 0, hash: genesis };
  #wrong: Extract<Verification, { ok: false }> | undefined;

  /** `heads`: hashes somebody kept elsewhere. Without one, entries cut off at the end cannot be noticed. */
  constructor(heads: readonly string[] = []) {
    this.#missing = new Set(heads.filter((head) => head !== genesis));
  }

  /** False once an entry was wrong: nothing behind it can be told any more. */
  add(entry: JournalEntry): boolean {
    const problem = whyWrong(entry, this.#last) ?? this.#follow(entry);
    if (problem !== undefined) {
      this.#wrong = { ok: false, seq: entry.seq, problem };
      return false;
    }
    const { seq, hash, kind } = entry;
    this.#last = { seq, hash };
    this.#missing.delete(hash);
    if (kind === 'stopped' || kind === 'go') this.#stop = kind === 'stopped';
    return true;
  }

  #follow(entry: JournalEntry): string | undefined {
    const { request: id, kind, body } = entry;
    if (id === null) return undefined;
    if (isOfTrail(entry)) {
      const trail = this.#requests.get(id) ?? new RequestTrail();
      this.#requests.set(id, trail);
      return trail.add(kind, readBody(body));
    }
    if (body.includes('"foundSha256":')) return changedBefore;
    if (!body.includes('"incidentSha256":')) return undefined;
    const state = OfIncident.safeParse(readBody(body));
    if (state.success) this.#incidents.set(id, state.data.incidentSha256);
    return undefined;
  }

  end({ requests, incidents, stopped }: Beside): Verification {
    if (this.#wrong !== undefined) return this.#wrong;
    const no = (problem: string): Verification => ({ ok: false, seq: null, problem });
    const [lost] = this.#missing;
    if (lost !== undefined) return no(`The head that was kept elsewhere is not in it: ${lost}.`);
    const untrue = whyUntrue(this.#requests, requests);
    if (untrue !== undefined) return no(untrue);
    if (!agree(this.#incidents, incidents)) {
      return no('An incident is not what its last entry says.');
    }
    if (this.#stop !== stopped) return no('The emergency stop is not what its last entry says.');
    return { ok: true, entries: this.#last.seq, head: this.#last.hash };
  }
}

/** Each row as its last entry vouched for, and no row missing. */
function agree(vouched: ReadonlyMap<string, string>, rows: Rows): boolean {
  const known = rows.every(({ id, data }) => vouched.get(String(id)) === sha256(String(data)));
  return known && vouched.size === rows.length;
}

function whyUntrue(trails: ReadonlyMap<string, RequestTrail>, rows: Rows): string | undefined {
  for (const { id, data } of rows) {
    const trail = trails.get(String(id)) ?? new RequestTrail();
    const problem = trail.whyUntrue(String(data));
    if (problem !== undefined) return `Request ${String(id)} was changed: ${problem}.`;
  }
  return trails.size === rows.length ? undefined : 'A request that its entries name is missing.';
}

function whyWrong(entry: JournalEntry, last: Head): string | undefined {
  if (entry.seq !== last.seq + 1) return `Entry ${last.seq + 1} is missing.`;
  if (entry.previous !== last.hash) return 'It does not follow from the entry before it.';
  return hashEntry(entry) === entry.hash ? undefined : 'It was changed after it was written.';
}
