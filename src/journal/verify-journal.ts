import { z } from 'zod';
import { genesis, hashEntry, sha256 } from './chain.ts';
import type { JournalEntry } from './chain.ts';
import type { Head } from './stored-journal.ts';

export type Verification =
  | { readonly ok: true; readonly entries: number; readonly head: string }
  | {
      readonly ok: false;
      /** The first entry that is wrong, or null when the fault is not in one entry. */
      readonly seq: number | null;
      readonly problem: string;
    };

type Rows = readonly Readonly<Record<string, unknown>>[];

export interface Beside {
  /** Rows of `requests`: id, data. */
  readonly requests: Rows;
  /** Rows of `incidents`: id, data. */
  readonly incidents: Rows;
  /** Whether an emergency stop is set. */
  readonly stopped: boolean;
}

const Vouched = z.looseObject({
  requestSha256: z.string().exactOptional(),
  incidentSha256: z.string().exactOptional(),
});

/** Walks the chain from its first entry on, and checks that each request and each incident is what its last entry vouched for. */
export class JournalCheck {
  readonly #anchor: Head | undefined;
  readonly #requests = new Map<string, string>();
  readonly #incidents = new Map<string, string>();
  #stop = false;
  #last: Head = { seq: 0, hash: genesis };
  #anchored: boolean;
  #wrong: Extract<Verification, { ok: false }> | undefined;

  /** `anchor` is a head somebody kept elsewhere. Without one, entries cut off at the end cannot be noticed. */
  constructor(anchor?: Head) {
    this.#anchor = anchor;
    this.#anchored = anchor === undefined || (anchor.seq === 0 && anchor.hash === genesis);
  }

  /** False once an entry was wrong: nothing behind it can be told any more. */
  add(entry: JournalEntry): boolean {
    const problem = whyWrong(entry, this.#last);
    if (problem !== undefined) {
      this.#wrong = { ok: false, seq: entry.seq, problem };
      return false;
    }
    const { seq, hash, kind, request, body } = entry;
    this.#last = { seq, hash };
    this.#anchored ||= this.#anchor?.seq === seq && this.#anchor.hash === hash;
    if (kind === 'stopped' || kind === 'go') this.#stop = kind === 'stopped';
    const state = Vouched.safeParse(JSON.parse(body));
    if (request !== null && state.success) this.#vouch(request, state.data);
    return true;
  }

  #vouch(id: string, { requestSha256, incidentSha256 }: z.infer<typeof Vouched>): void {
    if (requestSha256 !== undefined) this.#requests.set(id, requestSha256);
    if (incidentSha256 !== undefined) this.#incidents.set(id, incidentSha256);
  }

  end({ requests, incidents, stopped }: Beside): Verification {
    if (this.#wrong !== undefined) return this.#wrong;
    const no = (problem: string): Verification => ({ ok: false, seq: null, problem });
    if (!this.#anchored) return no('The head that was kept elsewhere is not in it.');
    if (!agree(this.#requests, requests)) return no('A request is not what its last entry says.');
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

function whyWrong(entry: JournalEntry, last: Head): string | undefined {
  if (entry.seq !== last.seq + 1) return `Entry ${last.seq + 1} is missing.`;
  if (entry.previous !== last.hash) return 'It does not follow from the entry before it.';
  return hashEntry(entry) === entry.hash ? undefined : 'It was changed after it was written.';
}
