import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { JournalUnavailable } from '../runbook/approval/journal-unavailable.ts';
import { Request } from '../runbook/approval/request.ts';
import { canonicalJson } from '../runbook/remedies/plan.ts';
import type { Clock, Journal, JournalDraft, Stop } from '../runbook/ports.ts';
import type { StepEntry } from '../runbook/remedies/remedy.ts';
import { genesis, hashEntry, sha256 } from './chain.ts';
import type { JournalEntry } from './chain.ts';
import { isBusy, toJournalError } from './failure.ts';
import { prepareSchema } from './schema.ts';
import { toStep } from './to-step.ts';
import { verifyJournal } from './verify-journal.ts';
import type { Verification } from './verify-journal.ts';

export interface SqliteJournalOptions {
  readonly file: string;
  readonly clock: Clock;
  /** A journal that grows beyond this refuses: better than a disk it shares with others running full. */
  readonly maxBytes?: number;
  /** How long another process may hold the file before this one refuses. */
  readonly lockWaitMs?: number;
}

const pageBytes = 4096;
const defaultMaxBytes = 1024 ** 3;
const defaultLockWaitMs = 5000;
/** SQLite's own waiting blocks the whole process, so it is kept to a blink and the rest is waited here. */
const blockingWaitMs = 20;
const retryMs = 25;

const StopRow = z.strictObject({ by: z.string(), at: z.string(), reason: z.string() });

/** The journal in one SQLite file that any number of processes of one machine may share. Close it at the end. */
export async function openSqliteJournal(options: SqliteJournalOptions): Promise<SqliteJournal> {
  return SqliteJournal.open(options);
}

/** Reads and writes a journal file. Everything throws JournalUnavailable when the file refuses. */
export class SqliteJournal implements Journal {
  readonly #database: DatabaseSync;
  readonly #clock: Clock;
  readonly #lockWaitMs: number;

  private constructor(database: DatabaseSync, { clock, lockWaitMs }: SqliteJournalOptions) {
    this.#database = database;
    this.#clock = clock;
    this.#lockWaitMs = lockWaitMs ?? defaultLockWaitMs;
  }

  static async open(options: SqliteJournalOptions): Promise<SqliteJournal> {
    const journal = new SqliteJournal(openFile(options), options);
    try {
      await journal.#patiently(() => setUp(journal.#database, options));
    } catch (error) {
      journal.close();
      throw error;
    }
    return journal;
  }

  create(request: Request, draft: JournalDraft): Promise<void> {
    return this.#write(() => {
      const data = canonicalJson(request);
      const seq = this.#append(draft, data);
      this.#database
        .prepare('INSERT INTO requests (id, seq, data) VALUES (?, ?, ?)')
        .run(request.id, seq, data);
    });
  }

  read(id: string): Promise<Request | undefined> {
    return this.#patiently(() => {
      const row = this.#database.prepare('SELECT data FROM requests WHERE id = ?').get(id);
      return row === undefined ? undefined : parseRow(Request, row['data']);
    });
  }

  list(states: readonly Request['state'][]): Promise<readonly Request[]> {
    return this.#patiently(() =>
      this.#database
        .prepare(
          'SELECT data FROM requests WHERE state IN (SELECT value FROM json_each(?)) ORDER BY seq',
        )
        .all(JSON.stringify(states))
        .map((row) => parseRow(Request, row['data'])),
    );
  }

  move(from: number, to: Request, draft: JournalDraft): Promise<'moved' | 'changed' | 'busy'> {
    return this.#write(() => {
      if (to.state === 'executing' && this.#isBusy(to)) return 'busy';
      const data = canonicalJson(to);
      const { changes } = this.#database
        .prepare('UPDATE requests SET data = ? WHERE id = ? AND version = ?')
        .run(data, to.id, from);
      if (changes !== 1) return 'changed';
      this.#append(draft, data);
      return 'moved';
    });
  }

  #isBusy({ id, target }: Request): boolean {
    const other = this.#database
      .prepare("SELECT 1 FROM requests WHERE target = ? AND state = 'executing' AND id <> ?")
      .get(target, id);
    return other !== undefined;
  }

  record(draft: JournalDraft): Promise<void> {
    return this.#write(() => {
      this.#append(draft, null);
    });
  }

  readSteps(request: string): Promise<readonly StepEntry[]> {
    return this.#patiently(() => [...this.#iterate(request)].flatMap(toStep));
  }

  readStop(): Promise<Stop | undefined> {
    return this.#patiently(() => {
      const row = this.#database.prepare('SELECT data FROM stop').get();
      return row === undefined ? undefined : parseRow(StopRow, row['data']);
    });
  }

  writeStop(stop: Stop | undefined, draft: JournalDraft): Promise<void> {
    return this.#write(() => {
      this.#database.exec('DELETE FROM stop');
      if (stop !== undefined) {
        this.#database.prepare('INSERT INTO stop VALUES (1, ?)').run(canonicalJson(stop));
      }
      this.#append(draft, null);
    });
  }

  /** The last entry's number and hash: kept elsewhere, they prove later that nothing was cut off or rewritten. */
  head(): Promise<{ readonly seq: number; readonly hash: string }> {
    return this.#patiently(() => this.#head());
  }

  /** The entries of one request, or all, in order. */
  entries(request?: string): Promise<readonly JournalEntry[]> {
    return this.#patiently(() => [...this.#iterate(request)]);
  }

  /** Recomputes the whole chain and holds the requests against it; `anchor` is a head seen earlier. */
  async verify(anchor?: { readonly seq: number; readonly hash: string }): Promise<Verification> {
    try {
      return await this.#reading(() => {
        const requests = this.#database.prepare('SELECT id, data FROM requests').all();
        const stopped = this.#database.prepare('SELECT 1 FROM stop').get() !== undefined;
        return verifyJournal(this.#iterate(), { requests, stopped, anchor });
      });
    } catch (error) {
      // Damage can be so deep that SQLite itself cannot read on: that is an answer too.
      if (!(error instanceof JournalUnavailable)) throw error;
      return { ok: false, seq: null, problem: error.message };
    }
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  #head(): { seq: number; hash: string } {
    const row = this.#database
      .prepare('SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1')
      .get();
    return row === undefined
      ? { seq: 0, hash: genesis }
      : { seq: Number(row['seq']), hash: String(row['hash']) };
  }

  *#iterate(request?: string): Generator<JournalEntry> {
    const where = request === undefined ? '' : 'WHERE request = ?';
    const statement = this.#database.prepare(`SELECT * FROM entries ${where} ORDER BY seq`);
    const rows = request === undefined ? statement.iterate() : statement.iterate(request);
    for (const row of rows) {
      yield {
        seq: Number(row['seq']),
        at: String(row['at']),
        request: row['request'] === null ? null : String(row['request']),
        kind: String(row['kind']),
        body: String(row['body']),
        previous: String(row['previous']),
        hash: String(row['hash']),
      };
    }
  }

  /** Inside a transaction. `data` is the request's new state, whose hash the entry vouches for. */
  #append({ request, kind, body }: JournalDraft, data: string | null): number {
    const { seq: last, hash: previous } = this.#head();
    const state = data === null ? {} : { requestSha256: sha256(data) };
    const entry = {
      seq: last + 1,
      at: new Date(this.#clock.now()).toISOString(),
      request: request ?? null,
      kind,
      body: canonicalJson({ ...body, ...state }),
      previous,
    };
    this.#database
      .prepare(
        'INSERT INTO entries (seq, at, request, kind, body, previous, hash) VALUES (?, ?, ?, ?, ?, ?, ?)',
      )
      .run(entry.seq, entry.at, entry.request, kind, entry.body, previous, hashEntry(entry));
    return entry.seq;
  }

  /** Several reads of one and the same state, while other processes write. */
  #reading<T>(work: () => T): Promise<T> {
    return this.#patiently(() => this.#within('BEGIN', work));
  }

  #write<T>(work: () => T): Promise<T> {
    return this.#patiently(() => this.#within('BEGIN IMMEDIATE', work));
  }

  #within<T>(begin: string, work: () => T): T {
    this.#database.exec(begin);
    try {
      const result = work();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      // A full disk ends the transaction by itself.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  async #patiently<T>(work: () => T): Promise<T> {
    const deadline = performance.now() + this.#lockWaitMs;
    for (;;) {
      try {
        return work();
      } catch (error) {
        if (!isBusy(error) || performance.now() >= deadline) throw toJournalError(error);
      }
      await sleep(retryMs);
    }
  }
}

function openFile({ file }: SqliteJournalOptions): DatabaseSync {
  try {
    // For the owner alone: it names people, applications and addresses.
    closeSync(openSync(file, 'a', 0o600));
    return new DatabaseSync(file, { timeout: blockingWaitMs });
  } catch (error) {
    const known = toJournalError(error);
    if (known instanceof JournalUnavailable) throw known;
    const message = 'The journal cannot be opened. Check that its folder exists and is writable.';
    throw new JournalUnavailable(message, { cause: error });
  }
}

function setUp(database: DatabaseSync, { maxBytes }: SqliteJournalOptions): void {
  // What was answered to a person must be on the disk, even if the machine dies a moment later.
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  database.exec(`PRAGMA max_page_count = ${Math.floor((maxBytes ?? defaultMaxBytes) / pageBytes)}`);
  prepareSchema(database);
}

function parseRow<T>(schema: z.ZodType<T>, data: unknown): T {
  try {
    return schema.parse(JSON.parse(String(data)));
  } catch (error) {
    const message = 'The journal is damaged. Keep a copy, and run: dbconn journal verify.';
    throw new JournalUnavailable(message, { cause: error });
  }
}
