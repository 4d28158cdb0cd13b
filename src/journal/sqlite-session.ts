import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { isBusy, toJournalError } from './failure.ts';

const retryMs = 25;

/** One open journal file. Everything throws JournalUnavailable when the file refuses. */
export class SqliteSession {
  readonly #database: DatabaseSync;
  readonly #lockWaitMs: number;
  /** Throws where the file is no longer the one that was opened. */
  #mustBeThere: () => void = () => undefined;

  /** `lockWaitMs`: how long another process may hold the file before this one refuses. */
  constructor(database: DatabaseSync, lockWaitMs: number) {
    this.#database = database;
    this.#lockWaitMs = lockWaitMs;
  }

  /** From now on nothing is read or written before this was asked. */
  guard(mustBeThere: () => void): void {
    this.#mustBeThere = mustBeThere;
  }

  /** Tries until another process lets go of the file, without a transaction around the work. */
  async patiently<T>(work: (database: DatabaseSync) => T): Promise<T> {
    this.#mustBeThere();
    const deadline = performance.now() + this.#lockWaitMs;
    for (;;) {
      try {
        return work(this.#database);
      } catch (error) {
        if (!isBusy(error) || performance.now() >= deadline) throw toJournalError(error);
      }
      await sleep(retryMs);
    }
  }

  /** Several reads of one and the same state, while other processes write. */
  read<T>(work: (database: DatabaseSync) => T): Promise<T> {
    return this.patiently(() => this.#within('BEGIN', work));
  }

  /** All of it is written, or nothing. */
  write<T>(work: (database: DatabaseSync) => T): Promise<T> {
    return this.patiently(() => this.#within('BEGIN IMMEDIATE', work));
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  #within<T>(begin: string, work: (database: DatabaseSync) => T): T {
    this.#database.exec(begin);
    try {
      const result = work(this.#database);
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      // A full disk ends the transaction by itself.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }
}
