import type { z } from 'zod';
import { JournalUnavailable } from '../runbook/approvals/journal.ts';
import type { JournalTime } from '../runbook/incidents/incident-log.ts';

export type Value = string | number | null;
export type Row = Readonly<Record<string, unknown>>;
/** One statement; its rows. */
export type Query = (statement: string, values?: readonly Value[]) => Promise<readonly Row[]>;

/** A database that keeps a journal. Everything throws JournalUnavailable when it refuses. */
export interface Driver {
  /** Makes what is not there yet. Before everything else; close it also where this fails. */
  open(): Promise<void>;
  /** Several reads of one and the same state, while other processes write. */
  read<T>(work: Work<T>): Promise<T>;
  /** All of it is written, or nothing. Of all processes that share the journal, one writes at a time. */
  write<T>(work: Work<T>): Promise<T>;
  /** Damage where nobody has read yet, as a sentence. */
  findDamage?(): string | undefined;
  close(): Promise<void>;
}

export type Work<T> = (tx: Transaction) => Promise<T>;

/**
 * Statements are written once, in PostgreSQL's words: `$1`, `data::json`, tables in the schema dbconn. Where the two kinds
 * of database differ by more than their words, that stands here.
 */
export interface Transaction extends Dialect {
  readonly query: Query;
  /** By the journal's own clock, in milliseconds since the epoch. */
  readNow(): Promise<number>;
  readTime(): Promise<JournalTime>;
  /** The time of an entry that is about to be written, as UTC ISO text. Throws where the journal has come to its bound. */
  stamp(): Promise<string>;
}

export interface Dialect {
  /** The SHA-256 of the column `data`, as hex. Where the data is: a thousand plans need not travel to be hashed. */
  readonly sha256OfData: string;
  /** SQLite draws columns from `data`. In PostgreSQL they are written, so that they may be made to say something else. */
  readonly hasWrittenColumns: boolean;
  readonly optionOfRequest: string;
  readonly endOfRequest: string;
  readonly beginningOfIncident: string;
  /** A file's leases count by the machine's uptime, so they name its start; a server's count by the server's clock. */
  readonly lease: {
    readonly columns: string;
    /** Of a lease that ends $1 milliseconds from now. */
    readonly values: string;
    /** Whether it bars others. */
    readonly stands: string;
  };
}

/** No lease is this long: one that ends later was taken before the clock was set back, and would bar everybody. */
export const longestLeaseMs = 2 * 60_000;

/** A stored value, which is JSON text, or JournalUnavailable where it is not what dbconn wrote. */
export function parseStored<T>(schema: z.ZodType<T>, data: unknown): T {
  try {
    return schema.parse(JSON.parse(String(data)));
  } catch (error) {
    const message = 'The journal is damaged. Keep a copy, and run: dbconn journal verify.';
    throw new JournalUnavailable(message, { cause: error });
  }
}

/** For a write that somebody tries where the journal was opened to be read. */
export function onlyRead(): JournalUnavailable {
  return new JournalUnavailable('This dbconn only reads the journal.');
}

/** Another dbconn, or something else, wrote what is there. */
export function unknownVersion(
  found: unknown,
  known: number,
  place: 'file' | 'database',
): JournalUnavailable {
  return new JournalUnavailable(
    `The journal has schema version ${String(found)}, and this dbconn knows version ${known}. Run the dbconn that wrote it, or name another ${place} as journal.`,
  );
}
