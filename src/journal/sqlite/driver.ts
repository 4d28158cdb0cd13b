import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTurns, uptimeOf } from '../../timing.ts';
import type { Clock } from '../../timing.ts';
import { sha256 } from '../chain.ts';
import { longestLeaseMs } from '../driver.ts';
import type { Dialect, Driver, Transaction, Work } from '../driver.ts';
import { StoredJournal } from '../stored-journal.ts';
import { checkPages } from './check-pages.ts';
import type { PageCheck } from './check-pages.ts';
import { keepClock, readBoot, readClock } from './clock.ts';
import type { BootClock } from './clock.ts';
import { isBusy, toJournalError } from './errors.ts';
import { openFile, prepareSqliteSchema, setUp, watchFile } from './file.ts';

interface SqliteJournalOptions {
  readonly file: string;
  readonly clock: Clock;
  /** A journal that grows beyond this refuses: better than a disk it shares with others running full. */
  readonly maxBytes?: number;
  /** How long another process may hold the file before this one refuses. */
  readonly lockWaitMs?: number;
  /** Hears what was mended on the way, in sentences. */
  readonly warn?: (sentence: string) => void;
}

const defaultLockWaitMs = 5000;
const retryMs = 25;

/** The journal in one SQLite file that any number of processes of one machine may share. Close it at the end. */
export async function openSqliteJournal(options: SqliteJournalOptions): Promise<StoredJournal> {
  return StoredJournal.open(new SqliteDriver(options));
}

const dialect: Dialect = {
  sha256OfData: 'dbconn_sha256(data)',
  hasWrittenColumns: false,
  optionOfRequest: "data ->> 'option'",
  endOfRequest: "data ->> '$.result.endedAt'",
  beginningOfIncident: "data ->> 'openedAt'",
  lease: {
    columns: 'until, boot',
    values: 'dbconn_uptime() + $1, dbconn_boot()',
    stands: `boot = dbconn_boot() AND until > dbconn_uptime() AND until < dbconn_uptime() + ${longestLeaseMs}`,
  },
};

/** One open journal file. SQLite answers at once, so that nothing but another call of ours comes between two statements. */
class SqliteDriver implements Driver {
  readonly #options: SqliteJournalOptions;
  readonly #database: DatabaseSync;
  readonly #clock: BootClock;
  readonly #transaction: Transaction;
  /** A connection has one transaction at a time. */
  readonly #turns = createTurns(1);
  /** Throws where the file is no longer the one that was opened. */
  #mustBeThere: () => void = () => undefined;
  #pages: PageCheck | undefined;

  constructor(options: SqliteJournalOptions) {
    const { file, clock, warn } = options;
    this.#options = options;
    this.#database = openFile(file, warn ?? (() => undefined));
    this.#clock = { now: () => clock.now(), uptime: () => uptimeOf(clock), boot: readBoot() };
    this.#transaction = toTransaction(this.#database, this.#clock);
  }

  async open(): Promise<void> {
    const { file, maxBytes } = this.#options;
    await this.#patiently(async () => setUp(this.#database, maxBytes));
    // It writes, so that of two processes that open a new file one makes the tables and the other finds them.
    await this.#patiently(() =>
      this.#within('BEGIN IMMEDIATE', async () => prepareSqliteSchema(this.#database)),
    );
    this.#mustBeThere = watchFile(file);
    this.#pages = checkPages(this.#database, file);
  }

  read<T>(work: Work<T>): Promise<T> {
    return this.#patiently(() => this.#within('BEGIN', work));
  }

  write<T>(work: Work<T>): Promise<T> {
    return this.#patiently(() =>
      this.#within('BEGIN IMMEDIATE', async (tx) => {
        const result = await work(tx);
        keepClock(this.#database, this.#clock);
        return result;
      }),
    );
  }

  findDamage(): string | undefined {
    return this.#pages?.problem();
  }

  close(): Promise<void> {
    return this.#turns.take(async () => {
      this.#pages?.close();
      if (this.#database.isOpen) this.#database.close();
    });
  }

  /** Tries until another process lets go of the file. Between two tries others have their turn: to read, nobody waits for a lock. */
  async #patiently<T>(work: () => Promise<T>): Promise<T> {
    this.#mustBeThere();
    const deadline = performance.now() + (this.#options.lockWaitMs ?? defaultLockWaitMs);
    for (;;) {
      try {
        return await this.#turns.take(work);
      } catch (error) {
        if (!isBusy(error) || performance.now() >= deadline) throw toJournalError(error);
      }
      await sleep(retryMs);
    }
  }

  async #within<T>(begin: string, work: Work<T>): Promise<T> {
    this.#database.exec(begin);
    try {
      const result = await work(this.#transaction);
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      // A full disk ends the transaction by itself.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }
}

function toTransaction(database: DatabaseSync, clock: BootClock): Transaction {
  database.function('dbconn_sha256', (data) => (data === null ? null : sha256(String(data))));
  database.function('dbconn_uptime', () => uptimeOf(clock));
  database.function('dbconn_boot', () => clock.boot);
  const readNow = async (): Promise<number> => readClock(database, clock);
  return {
    ...dialect,
    query: async (statement, values = []) => database.prepare(toSqlite(statement)).all(...values),
    readNow,
    readTime: async () => ({ nowMs: await readNow(), isSteady: true }),
    stamp: async () => new Date(await readNow()).toISOString(),
  };
}

/** Its parameters are `?1`; it has no schemas, and no casts are needed. */
function toSqlite(statement: string): string {
  return statement
    .replaceAll(/\$(\d)/g, '?$1')
    .replaceAll('dbconn.', '')
    .replaceAll(/::\w+/g, '');
}
