import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { JournalUnavailable } from '../runbook/approval/journal-unavailable.ts';
import { Request, isOpen } from '../runbook/approval/request.ts';
import { canonicalJson } from '../runbook/remedies/plan.ts';
import type { Clock, Holder, Journal, JournalDraft, Stop } from '../runbook/ports.ts';
import type { StepEntry } from '../runbook/remedies/remedy.ts';
import { genesis } from './chain.ts';
import type { JournalEntry } from './chain.ts';
import { isBusy, toJournalError } from './failure.ts';
import { nextEntry } from './next-entry.ts';
import { StopRow, parseRow } from './parse-row.ts';
import { openFile, setUp } from './sqlite-file.ts';
import { checkLease, takeFreeLease, takeLease } from './sqlite-leases.ts';
import type { Lease } from './sqlite-leases.ts';
import type { Head, StoredJournal } from './stored-journal.ts';
import { toStep } from './to-step.ts';
import { JournalCheck } from './verify-journal.ts';
import type { Verification } from './verify-journal.ts';

export interface SqliteJournalOptions {
  readonly file: string;
  readonly clock: Clock;
  /** A journal that grows beyond this refuses: better than a disk it shares with others running full. */
  readonly maxBytes?: number;
  /** How long another process may hold the file before this one refuses. */
  readonly lockWaitMs?: number;
}

const defaultLockWaitMs = 5000;
const retryMs = 25;

/** The journal in one SQLite file that any number of processes of one machine may share. Close it at the end. */
export async function openSqliteJournal(options: SqliteJournalOptions): Promise<SqliteJournal> {
  return SqliteJournal.open(options);
}

/** Reads and writes a journal file. Everything throws JournalUnavailable when the file refuses. */
export class SqliteJournal implements StoredJournal {
  readonly #database: DatabaseSync;
  readonly #clock: Clock;
  readonly #lockWaitMs: number;

  private constructor(database: DatabaseSync, { clock, lockWaitMs }: SqliteJournalOptions) {
    this.#database = database;
    this.#clock = clock;
    this.#lockWaitMs = lockWaitMs ?? defaultLockWaitMs;
  }

  static async open(options: SqliteJournalOptions): Promise<SqliteJournal> {
    const journal = new SqliteJournal(openFile(options.file), options);
    try {
      await journal.#patiently(() => setUp(journal.#database, options.maxBytes));
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
      if (to.state !== 'approved') checkLease(this.#database, draft);
      if (to.state === 'executing' && this.#isBusy(to)) return 'busy';
      const data = canonicalJson(to);
      const { changes } = this.#database
        .prepare('UPDATE requests SET data = ? WHERE id = ? AND version = ?')
        .run(data, to.id, from);
      if (changes !== 1) return 'changed';
      this.#append(draft, data);
      if (to.state === 'approved' && draft.holder !== undefined) {
        takeLease(this.#database, to.id, this.#stand(draft.holder));
      }
      if (!isOpen(to)) this.#database.prepare('DELETE FROM leases WHERE request = ?').run(to.id);
      return 'moved';
    });
  }

  hold(request: string, holder: Holder): Promise<boolean> {
    return this.#write(() => takeFreeLease(this.#database, request, this.#stand(holder)));
  }

  renew({ id, forMs }: Holder): Promise<void> {
    return this.#write(() => {
      this.#database
        .prepare('UPDATE leases SET until = ? WHERE holder = ?')
        .run(this.#clock.now() + forMs, id);
    });
  }

  release(request: string, { id }: Holder): Promise<void> {
    return this.#write(() => {
      this.#database
        .prepare('DELETE FROM leases WHERE request = ? AND holder = ?')
        .run(request, id);
    });
  }

  #stand({ id, forMs }: Holder): Lease {
    const nowMs = this.#clock.now();
    return { holder: id, nowMs, untilMs: nowMs + forMs };
  }

  #isBusy({ id, target }: Request): boolean {
    const other = this.#database
      .prepare("SELECT 1 FROM requests WHERE target = ? AND state = 'executing' AND id <> ?")
      .get(target, id);
    return other !== undefined;
  }

  record(draft: JournalDraft): Promise<void> {
    return this.#write(() => {
      checkLease(this.#database, draft);
      this.#append(draft, null);
    });
  }

  readRunsSince({
    target,
    option,
    since,
  }: Parameters<Journal['readRunsSince']>[0]): Promise<readonly Request[]> {
    return this.#patiently(() =>
      this.#database
        .prepare(
          "SELECT data FROM requests WHERE state IN ('verifying', 'done') AND target = ? AND data ->> 'option' = ? AND data ->> '$.result.endedAt' >= ?",
        )
        .all(target, option, since)
        .map((row) => parseRow(Request, row['data'])),
    );
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

  head(): Promise<Head> {
    return this.#patiently(() => this.#head());
  }

  entries(request?: string): Promise<readonly JournalEntry[]> {
    return this.#patiently(() => [...this.#iterate(request)]);
  }

  async verify(anchor?: Head): Promise<Verification> {
    try {
      return await this.#reading(() => {
        const check = new JournalCheck(anchor);
        for (const entry of this.#iterate()) if (!check.add(entry)) break;
        const requests = this.#database.prepare('SELECT id, data FROM requests').all();
        const stopped = this.#database.prepare('SELECT 1 FROM stop').get() !== undefined;
        return check.end({ requests, stopped });
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

  #head(): Head {
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

  /** Inside a transaction. */
  #append(draft: JournalDraft, data: string | null): number {
    const at = new Date(this.#clock.now()).toISOString();
    const entry = nextEntry(draft, { head: this.#head(), at, data });
    const { seq, request, kind, body, previous, hash } = entry;
    this.#database
      .prepare(
        'INSERT INTO entries (seq, at, request, kind, body, previous, hash) VALUES (?, ?, ?, ?, ?, ?, ?)',
      )
      .run(seq, at, request, kind, body, previous, hash);
    return seq;
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
