import { z } from 'zod';
import { JournalUnavailable } from '../runbook/approvals/journal.ts';
import type { Journal, SignedRequestLog } from '../runbook/approvals/journal.ts';
import { Actor } from '../runbook/approvals/request.ts';
import { noteKinds } from '../runbook/incidents/incident-log.ts';
import type { IncidentLog, KeptNote } from '../runbook/incidents/incident-log.ts';
import type { StepEntry } from '../runbook/remedies/remedy.ts';
import type { Head, JournalEntry, Verification } from './chain.ts';

/** For what records nothing, such as a dry run: every attempt to write or read is refused. */
export const noJournal: Journal = {
  create: refuse,
  read: refuse,
  list: refuse,
  move: refuse,
  record: refuse,
  acquire: refuse,
  renew: refuse,
  release: refuse,
  readRunsSince: refuse,
  readSteps: refuse,
  readAgeMs: refuse,
  readStop: refuse,
  writeStop: refuse,
  findUntrue: refuse,
};

function refuse(): Promise<never> {
  return Promise.reject(new JournalUnavailable('Nothing is recorded in a dry run.'));
}

export const StopRow = z.strictObject({
  by: z.string(),
  at: z.string(),
  reason: z.string(),
  lift: z.string().exactOptional(),
});

/** A stored value, or JournalUnavailable where it is not what dbconn wrote. */
export function parseRow<T>(schema: z.ZodType<T>, data: unknown): T {
  try {
    return schema.parse(JSON.parse(String(data)));
  } catch (error) {
    const message = 'The journal is damaged. Keep a copy, and run: dbconn journal verify.';
    throw new JournalUnavailable(message, { cause: error });
  }
}

export type RequestsQuery = Parameters<IncidentLog['readRequestsSince']>[0];

/** A journal as it is stored somewhere, with what proves that it is whole. Close it at the end. */
export interface StoredJournal extends Journal, IncidentLog, SignedRequestLog {
  head(): Promise<Head>;
  /** The entries of one request or of one incident, or all, in order. */
  entries(subject?: string): Promise<readonly JournalEntry[]>;
  /**
   * Recomputes the whole chain, follows each request through it, and holds requests and incidents against it. `heads`
   * are hashes that were kept elsewhere, each of which must be an entry's.
   */
  verify(heads?: readonly string[]): Promise<Verification>;
  close(): void | Promise<void>;
}

/** The name of the one lease on all incidents. No request has such an id. */
export const leaderLease = 'incidents';

/** No lease is this long: one that ends later was taken before the clock was set back, and would bar everybody. */
export const longestLeaseMs = 2 * 60_000;

/** What else is in such an entry, as the hash of the incident's state, belongs to the journal. */
const NoteBody = z.object({
  sentence: z.string().nullable(),
  quote: z.string().nullable().exactOptional(),
  by: Actor.exactOptional(),
  facts: z.record(z.string(), z.unknown()).exactOptional(),
});

/** An entry as a line of an incident's timeline; nothing for every other kind of entry. Throws JournalUnavailable for a damaged one. */
export function toNote({ seq, at, kind, body }: JournalEntry): KeptNote[] {
  const known = noteKinds.find((each) => each === kind);
  return known === undefined ? [] : [{ ...parseRow(NoteBody, body), kind: known, seq, at }];
}

const StepBody = z.strictObject({
  step: z.number().int(),
  sentence: z.string(),
  facts: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
    .exactOptional(),
});

/** An entry as a step of a run; nothing for every other kind of entry. */
export function toStep({ kind, at, body }: JournalEntry): StepEntry[] {
  if (kind !== 'step-intended' && kind !== 'step-done') return [];
  const note = StepBody.parse(JSON.parse(body));
  return [{ ...note, kind: kind === 'step-intended' ? 'intended' : 'done', at }];
}
