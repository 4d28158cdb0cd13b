import type { SignedRequestLog } from '../runbook/ports/heard-requests.ts';
import type { IncidentLog } from '../runbook/ports/incident-log.ts';
import type { Journal } from '../runbook/snapshot/ports.ts';
import type { Head, JournalEntry } from './chain.ts';
import type { Verification } from './verify-journal.ts';

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
