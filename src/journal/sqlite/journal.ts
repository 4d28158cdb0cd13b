import type { DatabaseSync } from 'node:sqlite';
import { JournalUnavailable } from '../../runbook/approvals/journal.ts';
import type {
  Holder,
  Journal,
  JournalDraft,
  SignedRequest,
  Stop,
  Untrue,
} from '../../runbook/approvals/journal.ts';
import { ApprovalRequest, isOpen } from '../../runbook/approvals/request.ts';
import type { IncidentQuery, JournalTime, KeptNote } from '../../runbook/incidents/incident-log.ts';
import type { Incident } from '../../runbook/incidents/incident.ts';
import { canonicalJson } from '../../runbook/remedies/plan.ts';
import type { StepEntry } from '../../runbook/remedies/remedy.ts';
import { uptimeOf } from '../../timing.ts';
import type { Clock } from '../../timing.ts';
import type { Head, JournalEntry, Verification } from '../chain.ts';
import { JournalCheck } from '../chain.ts';
import { StopRow, leaderLease, parseRow, toNote, toStep } from '../stored-journal.ts';
import type { RequestsQuery, StoredJournal } from '../stored-journal.ts';
import { mustBeTrueStop } from '../truth.ts';
import { checkPages } from './check-pages.ts';
import type { PageCheck } from './check-pages.ts';
import {
  appendEntry,
  dropLease,
  keepClock,
  prolongLeases,
  readBoot,
  readClock,
  readEntries,
  readFirstAt,
  readHead,
  readKnown,
  readLastAt,
  takeFreeLease,
  takeLeaderLease,
  takeLease,
  useLease,
} from './entries.ts';
import type { BootClock, Lease } from './entries.ts';
import { defaultLockWaitMs, openFile, recordSigned, setUp, watchFile } from './file.ts';
import type { SqliteJournalOptions } from './file.ts';
import { SqliteSession } from './session.ts';
import {
  findUntrue,
  insertIncident,
  isBusy,
  listIncidents,
  readIncident,
  readStops,
  readTrue,
  updateIncident,
} from './subjects.ts';

/** One that is open and ready. */
interface Opened {
  readonly session: SqliteSession;
  readonly clock: Clock;
  readonly known: Head;
  readonly pages: PageCheck;
}

/** The journal in one SQLite file that any number of processes of one machine may share. Close it at the end. */
export async function openSqliteJournal(options: SqliteJournalOptions): Promise<SqliteJournal> {
  return SqliteJournal.open(options);
}

/** Reads and writes a journal file. Everything throws JournalUnavailable when the file refuses. */
export class SqliteJournal implements StoredJournal {
  readonly #session: SqliteSession;
  readonly #clock: BootClock;
  /** The end of the chain as this process last saw it: that entry must never change any more. */
  #known: Head;

  readonly #pages: PageCheck;

  private constructor({ session, clock, known, pages }: Opened) {
    this.#session = session;
    this.#clock = { now: () => clock.now(), uptime: () => uptimeOf(clock), boot: readBoot() };
    this.#known = known;
    this.#pages = pages;
  }

  static async open(options: SqliteJournalOptions): Promise<SqliteJournal> {
    const {
      file,
      clock,
      maxBytes,
      lockWaitMs = defaultLockWaitMs,
      warn = () => undefined,
    } = options;
    const session = new SqliteSession(openFile(file, warn), lockWaitMs);
    try {
      await session.patiently((database) => setUp(database, maxBytes));
      session.guard(watchFile(file));
      const known = await session.patiently(readHead);
      const pages = await session.patiently((database) => checkPages(database, file));
      return new SqliteJournal({ session, clock, known, pages });
    } catch (error) {
      session.close();
      throw error;
    }
  }

  create(request: ApprovalRequest, draft: JournalDraft): Promise<void> {
    return this.#write((database) => {
      const data = canonicalJson(request);
      const { seq } = this.#append(database, draft, data);
      database
        .prepare('INSERT INTO requests (id, seq, data) VALUES (?, ?, ?)')
        .run(request.id, seq, data);
    });
  }

  read(id: string): Promise<ApprovalRequest | undefined> {
    return this.#session.read((database) => {
      const data = readTrue(database, id);
      return data === undefined ? undefined : parseRow(ApprovalRequest, data);
    });
  }

  list(states: readonly ApprovalRequest['state'][]): Promise<readonly ApprovalRequest[]> {
    const statement =
      'SELECT data FROM requests WHERE state IN (SELECT value FROM json_each(?)) ORDER BY seq';
    return this.#readRequests(statement, [JSON.stringify(states)]);
  }

  move(
    from: number,
    to: ApprovalRequest,
    draft: JournalDraft,
  ): Promise<'moved' | 'changed' | 'busy'> {
    return this.#write((database) => {
      if (to.state !== 'approved') this.#useLease(database, draft);
      if (to.state === 'executing' && isBusy(database, to)) return 'busy';
      readTrue(database, to.id);
      const data = canonicalJson(to);
      const { changes } = database
        .prepare('UPDATE requests SET data = ? WHERE id = ? AND version = ?')
        .run(data, to.id, from);
      if (changes !== 1) return 'changed';
      this.#append(database, draft, data);
      if (to.state === 'approved' && draft.holder !== undefined) {
        takeLease(database, to.id, this.#stand(draft.holder));
      }
      if (!isOpen(to)) database.prepare('DELETE FROM leases WHERE request = ?').run(to.id);
      return 'moved';
    });
  }

  acquire(request: string, holder: Holder): Promise<boolean> {
    return this.#write((database) => takeFreeLease(database, request, this.#stand(holder)));
  }

  renew(holder: Holder): Promise<void> {
    return this.#write((database) => {
      prolongLeases(database, this.#stand(holder));
    });
  }

  release(request: string, { id }: Holder): Promise<void> {
    return this.#write((database) => dropLease(database, request, id));
  }

  record(draft: JournalDraft): Promise<void> {
    return this.#write((database) => {
      this.#useLease(database, draft);
      this.#append(database, draft, null);
    });
  }

  readRunsSince({
    target,
    option,
    since,
  }: Parameters<Journal['readRunsSince']>[0]): Promise<readonly ApprovalRequest[]> {
    const statement =
      "SELECT data FROM requests WHERE state IN ('verifying', 'done') AND target = ? AND data ->> 'option' = ? AND data ->> '$.result.endedAt' >= ?";
    return this.#readRequests(statement, [target, option, since]);
  }

  readRequestsSince({ target, since, option }: RequestsQuery): Promise<readonly ApprovalRequest[]> {
    const statement = `SELECT data FROM requests WHERE target = ?1 AND data ->> 'proposedAt' >= ?2
      AND (?3 IS NULL OR data ->> 'option' = ?3) ORDER BY seq`;
    return this.#readRequests(statement, [target, since, option ?? null]);
  }

  readSteps(request: string): Promise<readonly StepEntry[]> {
    return this.#session.patiently((database) =>
      [...readEntries(database, request)].flatMap(toStep),
    );
  }

  readAgeMs(request: string, kinds: readonly string[]): Promise<number | undefined> {
    return this.#session.read((database) => {
      const at = readFirstAt(database, request, kinds);
      if (at === undefined) return undefined;
      // Not before the last entry, to wherever this process's clock was set since.
      const nowMs = Math.max(readClock(database, this.#clock), readLastAt(database));
      return Math.max(0, nowMs - at);
    });
  }

  readStop(): Promise<Stop | undefined> {
    return this.#session.read((database) => {
      mustBeTrueStop(readStops(database));
      const row = database.prepare('SELECT data FROM stop').get();
      return row === undefined ? undefined : parseRow(StopRow, row['data']);
    });
  }

  writeStop(stop: Stop | undefined, draft: JournalDraft): Promise<void> {
    return this.#write((database) => {
      database.exec('DELETE FROM stop');
      if (stop !== undefined) {
        database.prepare('INSERT INTO stop VALUES (1, ?)').run(canonicalJson(stop));
      }
      this.#append(database, draft, null);
    });
  }

  findUntrue(): Promise<readonly Untrue[]> {
    return this.#session.read((database) => {
      const problem = this.#pages.problem();
      const damaged = problem === undefined ? [] : [{ target: null, problem }];
      return [...damaged, ...findUntrue(database, this.#known)];
    });
  }

  openIncident(incident: Incident, draft: JournalDraft): Promise<'opened' | 'busy'> {
    return this.#write((database) =>
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
    return this.#write((database) =>
      updateIncident(database, from, { incident: to, draft, clock: this.#clock }),
    );
  }

  readNotes(incident: string, afterSeq: number): Promise<readonly KeptNote[]> {
    return this.#session.patiently((database) =>
      [...readEntries(database, incident, afterSeq)].flatMap(toNote),
    );
  }

  readTime(): Promise<JournalTime> {
    return this.#session.read((database) => ({
      nowMs: readClock(database, this.#clock),
      isSteady: true,
    }));
  }

  takeLead(holder: Holder): Promise<boolean> {
    return this.#write((database) => takeLeaderLease(database, this.#stand(holder)));
  }

  endLead({ id }: Holder): Promise<void> {
    return this.#write((database) => dropLease(database, leaderLease, id));
  }

  recordSigned(request: SignedRequest): Promise<boolean> {
    return this.#session.write((database) => recordSigned(database, request));
  }

  head(): Promise<Head> {
    return this.#session.patiently(readHead);
  }

  entries(subject?: string): Promise<readonly JournalEntry[]> {
    return this.#session.patiently((database) => [...readEntries(database, subject)]);
  }

  async verify(heads?: readonly string[]): Promise<Verification> {
    try {
      return await this.#session.read((database) => {
        const check = new JournalCheck(heads);
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
    this.#pages.close();
    this.#session.close();
  }

  async #write<T>(work: (database: DatabaseSync) => T): Promise<T> {
    const [result, known] = await this.#session.write((database) => {
      const done = work(database);
      keepClock(database, this.#clock);
      return [done, readKnown(database, this.#known)] as const;
    });
    this.#known = known;
    return result;
  }

  #append(database: DatabaseSync, draft: JournalDraft, data: string | null): Head {
    return appendEntry(database, { clock: this.#clock, draft, data });
  }

  #useLease(database: DatabaseSync, { request, holder }: JournalDraft): void {
    if (holder !== undefined) useLease(database, request, this.#stand(holder));
  }

  #stand({ id, forMs }: Holder): Lease {
    const nowMs = uptimeOf(this.#clock);
    return { holder: id, boot: this.#clock.boot, nowMs, untilMs: nowMs + forMs };
  }

  #readRequests(
    statement: string,
    values: readonly (string | null)[],
  ): Promise<readonly ApprovalRequest[]> {
    return this.#session.patiently((database) =>
      database
        .prepare(statement)
        .all(...values)
        .map((row) => parseRow(ApprovalRequest, row['data'])),
    );
  }
}
