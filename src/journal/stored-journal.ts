import type { IncidentLog } from '../runbook/ports/incident-log.ts';
import type { Journal } from '../runbook/ports.ts';
import type { JournalEntry } from './chain.ts';
import type { Verification } from './verify-journal.ts';

/** The last entry's number and hash: kept elsewhere, they prove later that nothing was cut off or rewritten. */
export interface Head {
  readonly seq: number;
  readonly hash: string;
}

export type RequestsQuery = Parameters<IncidentLog['readRequestsSince']>[0];

/** A journal as it is stored somewhere, with what proves that it is whole. Close it at the end. */
export interface StoredJournal extends Journal, IncidentLog {
  head(): Promise<Head>;
  /** The entries of one request or of one incident, or all, in order. */
  entries(subject?: string): Promise<readonly JournalEntry[]>;
  /** Recomputes the whole chain and holds requests and incidents against it; `anchor` is a head seen earlier. */
  verify(anchor?: Head): Promise<Verification>;
  close(): void | Promise<void>;
}
