import type { Journal } from '../runbook/ports.ts';
import type { JournalEntry } from './chain.ts';
import type { Verification } from './verify-journal.ts';

/** The last entry's number and hash: kept elsewhere, they prove later that nothing was cut off or rewritten. */
export interface Head {
  readonly seq: number;
  readonly hash: string;
}

/** A journal as it is stored somewhere, with what proves that it is whole. Close it at the end. */
export interface StoredJournal extends Journal {
  head(): Promise<Head>;
  /** The entries of one request, or all, in order. */
  entries(request?: string): Promise<readonly JournalEntry[]>;
  /** Recomputes the whole chain and holds the requests against it; `anchor` is a head seen earlier. */
  verify(anchor?: Head): Promise<Verification>;
  close(): void | Promise<void>;
}
