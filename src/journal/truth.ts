import { JournalTampered } from '../runbook/approvals/journal.ts';
import type { JournalDraft, Untrue } from '../runbook/approvals/journal.ts';
import { RequestTrail, genesis, hashEntry, isOfTrail, readBody, sha256 } from './chain.ts';
import type { Head, JournalEntry } from './chain.ts';

/**
 * Whether what is stored was written through the chain: found where a decision rests on it, not only by a whole
 * `verify`. What is not true is never written on, so that no entry vouches for it later.
 */

/** No installation has more requests, or incidents, within any expiry or cooldown. */
export const newestSubjects = 1000;

/** An entry with what the one after it names as the one before; null at the end of the chain. */
export interface LinkedEntry extends JournalEntry {
  readonly next: string | null;
}

export function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** A stored request: its JSON text, or '' where the columns beside it say something else. */
export type StoredRequest = Readonly<Record<'id' | 'data', string>>;

/** Throws JournalTampered where a request is not what its entries, all of them in their order, say of it. */
export function mustBeTrue(stored: StoredRequest, entries: readonly LinkedEntry[]): void {
  const problem = whyUntrue(stored, entries);
  if (problem !== undefined) throw new JournalTampered(problem);
}

/** Why it is not, as a sentence, or undefined. */
export function whyUntrue(
  { id, data }: StoredRequest,
  entries: readonly LinkedEntry[],
): string | undefined {
  const trail = new RequestTrail();
  for (const entry of entries) {
    const { seq, hash, next, kind, body } = entry;
    if (hashEntry(entry) !== hash) return toSentence(id, `entry ${seq} was changed`);
    if (next !== null && next !== hash) return toSentence(id, `entry ${seq + 1} does not follow`);
    const problem = isOfTrail(entry) ? trail.add(kind, readBody(body)) : undefined;
    if (problem !== undefined) return toSentence(id, `entry ${seq}: ${problem.slice(0, -1)}`);
  }
  const problem = trail.whyUntrue(data);
  return problem === undefined ? undefined : toSentence(id, problem);
}

/** A request as one look at the newest of them has it. */
export interface NewestRequest {
  readonly id: string;
  /** By its first entry and by its row, which may differ. */
  readonly targets: readonly string[];
  /** Whether the stored one is what its last entry vouched for. */
  readonly isTrue: boolean;
}

/** What is not true of them: a request counts for every target that its entries or its row name. */
export function untrueOf(requests: readonly NewestRequest[]): Untrue[] {
  const problemOf = (id: string): string => toSentence(id, 'it is not what its last entry says');
  return requests
    .filter(({ isTrue }) => !isTrue)
    .flatMap(({ id, targets }) => {
      const named = targets.length === 0 ? [null] : [...new Set(targets)];
      return named.map((target) => ({ target, problem: problemOf(id) }));
    });
}

/**
 * An incident goes on even where its row was changed, for people have to be called: then its next entry says what it
 * found instead of vouching for it in silence, and `verify` never takes the journal for whole again.
 */
export function noteFound(draft: JournalDraft, data: string, vouched: unknown): JournalDraft {
  const foundSha256 = sha256(data);
  return foundSha256 === vouched ? draft : { ...draft, body: { ...draft.body, foundSha256 } };
}

/** Of incidents that are not what their last entries vouched for. */
export function untrueIncidents(rows: readonly Readonly<Record<string, unknown>>[]): Untrue[] {
  return rows.map(({ id, target }) => {
    const problem = `Incident ${String(id)} was changed past the journal’s entries.`;
    return { target: textOf(target), problem };
  });
}

/** What is true of the record as a whole, or not. */
export interface Whole {
  /** The end of the chain as this process last wrote it. */
  readonly known: Head;
  /** The hash that the entry of that number has now. */
  readonly hashNow: string | undefined;
  /** The kind of the last entry about an emergency stop. */
  readonly lastStop: string | undefined;
  readonly isStopped: boolean;
}

export function untrueOfWhole({ known, hashNow, lastStop, isStopped }: Whole): Untrue[] {
  const problems: string[] = [];
  if (known.hash !== genesis && hashNow !== known.hash) {
    problems.push(`Journal entry ${known.seq} is gone, or another one than dbconn wrote.`);
  }
  if ((lastStop === 'stopped') !== isStopped) problems.push(stopProblem);
  return problems.map((problem) => ({ target: null, problem }));
}

/** Throws JournalTampered where the stored stop is not what the last entry about one says. */
export function mustBeTrueStop({
  lastStop,
  isStopped,
}: Pick<Whole, 'lastStop' | 'isStopped'>): void {
  if ((lastStop === 'stopped') !== isStopped) throw new JournalTampered(stopProblem);
}

const stopProblem = 'The emergency stop was changed past the journal’s entries.';

function toSentence(id: string, problem: string): string {
  return `Request ${id} was changed past the journal’s entries: ${problem}.`;
}
