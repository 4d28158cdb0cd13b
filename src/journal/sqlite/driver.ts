import { readFileSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTurns, uptimeOf } from '../../timing.ts';
import type { Clock } from '../../timing.ts';
import { sha256 } from '../chain.ts';
import { longestLeaseMs, onlyRead } from '../driver.ts';
import type { Dialect, Driver, Transaction, Work } from '../driver.ts';
import { StoredJournal } from '../stored-journal.ts';
import { checkPages } from './check-pages.ts';
import type { PageCheck } from './check-pages.ts';
import { isBusy, toJournalError } from './errors.ts';
import { mustBeCurrent, openFile, prepareSqliteSchema, setUp, watchFile } from './file.ts';

interface SqliteJournalOptions {
  readonly file: string;
  readonly clock: Clock;
  /** A journal that grows beyond this refuses: better than a disk it shares with others running full. */
  readonly maxBytes?: number;
  /** How long another process may hold the file before this one refuses. */
  readonly lockWaitMs?: number;
  /** Hears what was mended on the way, in sentences. */
  readonly warn?: (sentence: string) => void;
  /** Nothing is made, brought up to date or written. */
  readonly readsOnly?: boolean | undefined;
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
    const { file, clock, warn = (): void => undefined, readsOnly = false } = options;
    this.#options = options;
    this.#database = openFile(file, { readsOnly, warn });
    this.#clock = { now: () => clock.now(), uptime: () => uptimeOf(clock), boot: readBoot() };
    this.#transaction = toTransaction(this.#database, this.#clock);
  }

  async open(): Promise<void> {
    const { file, maxBytes, readsOnly } = this.#options;
    if (readsOnly === true) await this.read(async () => mustBeCurrent(this.#database));
    else {
      await this.#patiently(async () => setUp(this.#database, maxBytes));
      // It writes, so that of two processes that open a new file one makes the tables and the other finds them.
      await this.#patiently(() =>
        this.#within('BEGIN IMMEDIATE', async () => prepareSqliteSchema(this.#database)),
      );
    }
    this.#mustBeThere = watchFile(file);
    this.#pages = checkPages(this.#database, file);
  }

  read<T>(work: Work<T>): Promise<T> {
    return this.#patiently(() => this.#within('BEGIN', work));
  }

  write<T>(work: Work<T>): Promise<T> {
    if (this.#options.readsOnly === true) return Promise.reject(onlyRead());
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

/** A clock with the start of the machine that its uptime counts from. */
interface BootClock extends Pick<Clock, 'now' | 'uptime'> {
  readonly boot: string;
}

/**
 * The journal's own clock, in milliseconds since the epoch. While an incident is open, and an hour after, it counts by the
 * machine's uptime from when that opened, in every process: nobody sets it. Else it is the wall clock.
 */
function readClock(database: DatabaseSync, clock: BootClock): number {
  const held = database.prepare('SELECT boot, ahead, quiet FROM clock').get();
  // Nobody may have written since that hour was over: where all is quiet dbconn writes nothing.
  if (held === undefined || hasEnded(held, clock)) return clock.now();
  const isOfThisBoot = held['boot'] === clock.boot;
  const nowMs = isOfThisBoot ? uptimeOf(clock) + Number(held['ahead']) : clock.now();
  // The machine was started again with its clock behind, or somebody wrote here by hand.
  return Math.max(nowMs, readLastAt(database));
}

/** What is told, silenced or taken up again within this time of an incident's end counts by the same clock. */
const heldOnMs = 3_600_000;

/** Inside a transaction, after its work: holds the clock from the first open incident to a while after the last one. */
function keepClock(database: DatabaseSync, clock: BootClock): void {
  const held = database.prepare('SELECT boot, quiet FROM clock').get();
  const open = "SELECT 1 FROM incidents WHERE state IN ('open', 'merged')";
  const isOpen = database.prepare(open).get() !== undefined;
  const isHeld = held?.['boot'] === clock.boot && !hasEnded(held, clock);
  const upMs = uptimeOf(clock);
  if (isOpen) {
    if (!isHeld) {
      const aheadMs = readClock(database, clock) - upMs;
      database
        .prepare('INSERT OR REPLACE INTO clock (one, boot, ahead) VALUES (1, ?, ?)')
        .run(clock.boot, Math.round(aheadMs));
    } else if (held['quiet'] !== null) database.exec('UPDATE clock SET quiet = NULL');
  } else if (held?.['quiet'] === null) {
    database.prepare('UPDATE clock SET quiet = ?').run(Math.round(upMs));
  } else if (held !== undefined && !isHeld) {
    database.exec('DELETE FROM clock');
  }
}

/** An hour of this boot's went by since the last incident, whether or not anybody wrote since. */
function hasEnded(held: Readonly<Record<string, unknown>>, clock: BootClock): boolean {
  const { boot, quiet } = held;
  return quiet !== null && boot === clock.boot && uptimeOf(clock) - Number(quiet) >= heldOnMs;
}

/** When the last entry was written. */
function readLastAt(database: DatabaseSync): number {
  const last = database.prepare('SELECT at FROM entries ORDER BY seq DESC LIMIT 1').get();
  return last === undefined ? 0 : Date.parse(String(last['at']));
}

/** Of this start of the machine; empty where the system has none, and then only a far-off end tells. */
function readBoot(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}
