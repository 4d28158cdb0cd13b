import type { DatabaseSync } from 'node:sqlite';
import { JournalUnavailable } from '../runbook/approval/journal-unavailable.ts';
import { Request, isOpen } from '../runbook/approval/request.ts';
import type { Incident } from '../runbook/incident/incident.ts';
import type { KeptNote } from '../runbook/incident/note.ts';
import type { IncidentQuery } from '../runbook/ports/incident-log.ts';
import type { Clock, Holder, Journal, JournalDraft, Stop } from '../runbook/ports.ts';
import { canonicalJson } from '../runbook/remedies/plan.ts';
import type { StepEntry } from '../runbook/remedies/remedy.ts';
import type { JournalEntry } from './chain.ts';
import { StopRow, parseRow } from './parse-row.ts';
import { appendEntry, readEntries, readHead } from './sqlite-entries.ts';
import { openFile, setUp } from './sqlite-file.ts';
import { insertIncident, listIncidents, readIncident, updateIncident } from './sqlite-incidents.ts';
import { checkLease, dropLease, takeFreeLease, takeLease, takeTending } from './sqlite-leases.ts';
import type { Lease } from './sqlite-leases.ts';
import { SqliteSession } from './sqlite-session.ts';
import type { Head, RequestsQuery, StoredJournal } from './stored-journal.ts';
import { tending } from './tending.ts';
import { toNote } from './to-note.ts';
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

/** The journal in one SQLite file that any number of processes of one machine may share. Close it at the end. */
export async function openSqliteJournal(options: SqliteJournalOptions): Promise<SqliteJournal> {
  return SqliteJournal.open(options);
}

/** Reads and writes a journal file. Everything throws JournalUnavailable when the file refuses. */
export class SqliteJournal implements StoredJournal {
  readonly #session: SqliteSession;
  readonly #clock: Clock;

  private constructor(session: SqliteSession, clock: Clock) {
    this.#session = session;
    this.#clock = clock;
  }

  static async open(options: SqliteJournalOptions): Promise<SqliteJournal> {
    const { file, clock, maxBytes, lockWaitMs = defaultLockWaitMs } = options;
    const session = new SqliteSession(openFile(file), lockWaitMs);
    try {
      await session.patiently((database) => setUp(database, maxBytes));
    } catch (error) {
      session.close();
      throw error;
    }
    return new SqliteJournal(session, clock);
  }

  create(request: Request, draft: JournalDraft): Promise<void> {
    return this.#session.write((database) => {
      const data = canonicalJson(request);
      const seq = appendEntry(database, { clock: this.#clock, draft, data });
      database
        .prepare('INSERT INTO requests (id, seq, data) VALUES (?, ?, ?)')
        .run(request.id, seq, data);
    });
  }

  read(id: string): Promise<Request | undefined> {
    return this.#session.patiently((database) => {
      const row = database.prepare('SELECT data FROM requests WHERE id = ?').get(id);
      return row === undefined ? undefined : parseRow(Request, row['data']);
    });
  }

  list(states: readonly Request['state'][]): Promise<readonly Request[]> {
    const statement =
      'SELECT data FROM requests WHERE state IN (SELECT value FROM json_each(?)) ORDER BY seq';
    return this.#readRequests(statement, [JSON.stringify(states)]);
  }

  move(from: number, to: Request, draft: JournalDraft): Promise<'moved' | 'changed' | 'busy'> {
    return this.#session.write((database) => {
      if (to.state !== 'approved') checkLease(database, draft);
      if (to.state === 'executing' && isBusy(database, to)) return 'busy';
      const data = canonicalJson(to);
      const { changes } = database
        .prepare('UPDATE requests SET data = ? WHERE id = ? AND version = ?')
        .run(data, to.id, from);
      if (changes !== 1) return 'changed';
      appendEntry(database, { clock: this.#clock, draft, data });
      if (to.state === 'approved' && draft.holder !== undefined) {
        takeLease(database, to.id, this.#stand(draft.holder));
      }
      if (!isOpen(to)) database.prepare('DELETE FROM leases WHERE request = ?').run(to.id);
      return 'moved';
    });
  }

  hold(request: string, holder: Holder): Promise<boolean> {
    return this.#session.write((database) => takeFreeLease(database, request, this.#stand(holder)));
  }

  renew({ id, forMs }: Holder): Promise<void> {
    return this.#session.write((database) => {
      database
        .prepare('UPDATE leases SET until = ? WHERE holder = ?')
        .run(this.#clock.now() + forMs, id);
    });
  }

  release(request: string, { id }: Holder): Promise<void> {
    return this.#session.write((database) => dropLease(database, request, id));
  }

  record(draft: JournalDraft): Promise<void> {
    return this.#session.write((database) => {
      checkLease(database, draft);
      appendEntry(database, { clock: this.#clock, draft, data: null });
    });
  }

  readRunsSince({
    target,
    option,
    since,
  }: Parameters<Journal['readRunsSince']>[0]): Promise<readonly Request[]> {
    const statement =
      "SELECT data FROM requests WHERE state IN ('verifying', 'done') AND target = ? AND data ->> 'option' = ? AND data ->> '$.result.endedAt' >= ?";
    return this.#readRequests(statement, [target, option, since]);
  }

  readRequestsSince({ target, since, option }: RequestsQuery): Promise<readonly Request[]> {
    const statement = `SELECT data FROM requests WHERE target = ?1 AND data ->> 'proposedAt' >= ?2
      AND (?3 IS NULL OR data ->> 'option' = ?3) ORDER BY seq`;
    return this.#readRequests(statement, [target, since, option ?? null]);
  }

  readSteps(request: string): Promise<readonly StepEntry[]> {
    return this.#session.patiently((database) =>
      [...readEntries(database, request)].flatMap(toStep),
    );
  }

  readStop(): Promise<Stop | undefined> {
    return this.#session.patiently((database) => {
      const row = database.prepare('SELECT data FROM stop').get();
      return row === undefined ? undefined : parseRow(StopRow, row['data']);
    });
  }

  writeStop(stop: Stop | undefined, draft: JournalDraft): Promise<void> {
    return this.#session.write((database) => {
      database.exec('DELETE FROM stop');
      if (stop !== undefined) {
        database.prepare('INSERT INTO stop VALUES (1, ?)').run(canonicalJson(stop));
      }
      appendEntry(database, { clock: this.#clock, draft, data: null });
    });
  }

  openIncident(incident: Incident, draft: JournalDraft): Promise<'opened' | 'busy'> {
    return this.#session.write((database) =>
      insertIncident(database, { incident, draft, clock: this.#clock }),
    );
  }

  readIncident(id: string): Promise<Incident | undefined> {
    return this.#session.patiently((database) => readIncident(database, id));
  }

  listIncidents(query: IncidentQuery): Promise<readonly Incident[]> {
    return this.#session.patiently((database) => listIncidents(database, query));
  }

  moveIncident(
    from: number,
    to: Incident,
    draft: JournalDraft,
  ): Promise<'moved' | 'changed' | 'busy'> {
    return this.#session.write((database) =>
      updateIncident(database, from, { incident: to, draft, clock: this.#clock }),
    );
  }

  readNotes(incident: string, afterSeq: number): Promise<readonly KeptNote[]> {
    return this.#session.patiently((database) =>
      [...readEntries(database, incident, afterSeq)].flatMap(toNote),
    );
  }

  tend(holder: Holder): Promise<boolean> {
    return this.#session.write((database) => takeTending(database, this.#stand(holder)));
  }

  endTending({ id }: Holder): Promise<void> {
    return this.#session.write((database) => dropLease(database, tending, id));
  }

  head(): Promise<Head> {
    return this.#session.patiently(readHead);
  }

  entries(subject?: string): Promise<readonly JournalEntry[]> {
    return this.#session.patiently((database) => [...readEntries(database, subject)]);
  }

  async verify(anchor?: Head): Promise<Verification> {
    try {
      return await this.#session.read((database) => {
        const check = new JournalCheck(anchor);
        for (const entry of readEntries(database)) if (!check.add(entry)) break;
        const requests = database.prepare('SELECT id, data FROM requests').all();
        const incidents = database.prepare('SELECT id, data FROM incidents').all();
        const stopped = database.prepare('SELECT 1 FROM stop').get() !== undefined;
        return check.end({ requests, incidents, stopped });
      });
    } catch (error) {
      // Damage can be so deep that SQLite itself cannot read on: that is an answer too.
      if (!(error instanceof JournalUnavailable)) throw error;
      return { ok: false, seq: null, problem: error.message };
    }
  }

  close(): void {
    this.#session.close();
  }

  #stand({ id, forMs }: Holder): Lease {
    const nowMs = this.#clock.now();
    return { holder: id, nowMs, untilMs: nowMs + forMs };
  }

  #readRequests(
    statement: string,
    values: readonly (string | null)[],
  ): Promise<readonly Request[]> {
    return this.#session.patiently((database) =>
      database
        .prepare(statement)
        .all(...values)
        .map((row) => parseRow(Request, row['data'])),
    );
  }
}

function isBusy(database: DatabaseSync, { id, target }: Request): boolean {
  const other = database
    .prepare("SELECT 1 FROM requests WHERE target = ? AND state = 'executing' AND id <> ?")
    .get(target, id);
  return other !== undefined;
}
