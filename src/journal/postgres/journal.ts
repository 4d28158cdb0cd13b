import { JournalMoved, JournalUnavailable } from '../../runbook/approvals/journal.ts';
import type {
  Holder,
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
import { JournalCheck, genesis } from '../chain.ts';
import type { Head, JournalEntry, Verification } from '../chain.ts';
import { StopRow, leaderLease, parseRow, toNote, toStep } from '../stored-journal.ts';
import type { RequestsQuery, StoredJournal } from '../stored-journal.ts';
import { mustBeTrueStop } from '../truth.ts';
import {
  appendEntry,
  dropLease,
  readAgeMs,
  readEntries,
  readHead,
  readKnown,
  takeFreeLease,
  takeLeaderLease,
  takeLease,
  useLease,
} from './entries.ts';
import { preparePostgresSchema, readIdentity, recordSigned } from './schema.ts';
import { PostgresSession } from './session.ts';
import type { ByTls, Query } from './session.ts';
import {
  columnsOf,
  findUntrue,
  insertIncident,
  listIncidents,
  readIncident,
  readStops,
  readTime,
  readTrue,
  readVouched,
  toVouched,
  updateIncident,
} from './subjects.ts';

interface PostgresJournalOptions {
  readonly url: string;
  readonly byTls: ByTls;
  /** A journal that grows beyond this refuses: better than a disk it shares with others running full. */
  readonly maxBytes?: number;
}

type RunsQuery = Parameters<StoredJournal['readRunsSince']>[0];

const defaultMaxBytes = 1024 ** 3;
/** Any number that nobody else's advisory locks have: the bytes of "dbconn". */
const lockKey = 0x64_62_63_6f_6e_6e;

/** The journal in the schema `dbconn` of a PostgreSQL that several replicas share. Its server's clock rules. */
export async function openPostgresJournal(
  options: PostgresJournalOptions,
): Promise<PostgresJournal> {
  return PostgresJournal.open(options);
}

/** Reads and writes the journal. Everything throws JournalUnavailable when its server refuses. */
class PostgresJournal implements StoredJournal {
  readonly #session: PostgresSession;
  readonly #maxBytes: number;
  /** Which database's tables it opened. */
  #opened: string | undefined;
  /** The end of the chain as this process last saw it: that entry must never change any more. */
  #known: Head = { seq: 0, hash: genesis };

  private constructor({ url, byTls, maxBytes }: PostgresJournalOptions) {
    this.#session = new PostgresSession(url, byTls);
    this.#maxBytes = maxBytes ?? defaultMaxBytes;
  }

  static async open(options: PostgresJournalOptions): Promise<PostgresJournal> {
    const journal = new PostgresJournal(options);
    try {
      journal.#opened = await journal.#write(async (query) => {
        await preparePostgresSchema(query);
        return readIdentity(query);
      });
      return journal;
    } catch (error) {
      await journal.close();
      throw error;
    }
  }

  create(request: ApprovalRequest, draft: JournalDraft): Promise<void> {
    return this.#write(async (query) => {
      const data = canonicalJson(request);
      const seq = await this.#append(query, draft, data);
      await query(
        `INSERT INTO dbconn.requests (target, option, state, version, ended_at, data, id, seq)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
        [...columnsOf(request), data, request.id, seq],
      );
    });
  }

  read(id: string): Promise<ApprovalRequest | undefined> {
    return this.#read(async (query) => {
      const data = await readTrue(query, id);
      return data === undefined ? undefined : parseRow(ApprovalRequest, data);
    });
  }

  list(states: readonly ApprovalRequest['state'][]): Promise<readonly ApprovalRequest[]> {
    const statement = 'SELECT data FROM dbconn.requests WHERE state = ANY ($1) ORDER BY seq';
    return this.#readRequests(statement, [states]);
  }

  readRunsSince({ target, option, since }: RunsQuery): Promise<readonly ApprovalRequest[]> {
    const statement = `SELECT data FROM dbconn.requests WHERE state IN ('verifying', 'done')
      AND target = $1 AND option = $2 AND ended_at >= $3 ORDER BY seq`;
    return this.#readRequests(statement, [target, option, since]);
  }

  readRequestsSince({ target, since, option }: RequestsQuery): Promise<readonly ApprovalRequest[]> {
    const statement = `SELECT data FROM dbconn.requests WHERE target = $1
      AND (data::json) ->> 'proposedAt' >= $2 AND ($3::text IS NULL OR option = $3) ORDER BY seq`;
    return this.#readRequests(statement, [target, since, option ?? null]);
  }

  move(
    from: number,
    to: ApprovalRequest,
    draft: JournalDraft,
  ): Promise<'moved' | 'changed' | 'busy'> {
    return this.#write(async (query) => {
      if (to.state !== 'approved') await useLease(query, draft);
      if (to.state === 'executing' && (await isBusy(query, to))) return 'busy';
      await readTrue(query, to.id);
      const data = canonicalJson(to);
      const changed = await query(
        `UPDATE dbconn.requests SET target = $1, option = $2, state = $3, version = $4, ended_at = $5, data = $6
         WHERE id = $7 AND version = $8 RETURNING id`,
        [...columnsOf(to), data, to.id, from],
      );
      if (changed.length !== 1) return 'changed';
      await this.#append(query, draft, data);
      if (to.state === 'approved' && draft.holder !== undefined) {
        await takeLease(query, to.id, draft.holder);
      }
      if (!isOpen(to)) await query('DELETE FROM dbconn.leases WHERE request = $1', [to.id]);
      return 'moved';
    });
  }

  record(draft: JournalDraft): Promise<void> {
    return this.#write(async (query) => {
      await useLease(query, draft);
      await this.#append(query, draft, null);
    });
  }

  acquire(request: string, holder: Holder): Promise<boolean> {
    return this.#write((query) => takeFreeLease(query, request, holder));
  }

  renew({ id, forMs }: Holder): Promise<void> {
    return this.#write(async (query) => {
      await query(
        `UPDATE dbconn.leases SET until = clock_timestamp() + $2 * interval '1 millisecond' WHERE holder = $1`,
        [id, forMs],
      );
    });
  }

  release(request: string, holder: Holder): Promise<void> {
    return this.#write((query) => dropLease(query, request, holder));
  }

  async readSteps(request: string): Promise<readonly StepEntry[]> {
    return (await this.entries(request)).flatMap(toStep);
  }

  readAgeMs(request: string, kinds: readonly string[]): Promise<number | undefined> {
    return this.#read((query) => readAgeMs(query, request, kinds));
  }

  readStop(): Promise<Stop | undefined> {
    return this.#read(async (query) => {
      mustBeTrueStop(await readStops(query));
      const [row] = await query('SELECT data FROM dbconn.stop');
      return row === undefined ? undefined : parseRow(StopRow, row['data']);
    });
  }

  writeStop(stop: Stop | undefined, draft: JournalDraft): Promise<void> {
    return this.#write(async (query) => {
      await query('DELETE FROM dbconn.stop');
      if (stop !== undefined) {
        await query('INSERT INTO dbconn.stop VALUES (1, $1)', [canonicalJson(stop)]);
      }
      await this.#append(query, draft, null);
    });
  }

  findUntrue(): Promise<readonly Untrue[]> {
    return this.#read((query) => findUntrue(query, this.#known));
  }

  openIncident(incident: Incident, draft: JournalDraft): Promise<'opened' | 'busy'> {
    return this.#write((query) =>
      insertIncident(query, { incident, draft, maxBytes: this.#maxBytes }),
    );
  }

  readIncident(id: string): Promise<Incident | undefined> {
    return this.#read((query) => readIncident(query, id));
  }

  listIncidents(query: IncidentQuery): Promise<readonly Incident[]> {
    return this.#read((ask) => listIncidents(ask, query));
  }

  moveIncident(
    from: number,
    to: Incident,
    draft: JournalDraft,
  ): Promise<'moved' | 'changed' | 'busy'> {
    return this.#write((query) =>
      updateIncident(query, from, { incident: to, draft, maxBytes: this.#maxBytes }),
    );
  }

  async readNotes(incident: string, afterSeq: number): Promise<readonly KeptNote[]> {
    return (await this.#entries(incident, afterSeq)).flatMap(toNote);
  }

  readTime(): Promise<JournalTime> {
    return this.#read(readTime);
  }

  takeLead(holder: Holder): Promise<boolean> {
    return this.#write((query) => takeLeaderLease(query, holder));
  }

  endLead(holder: Holder): Promise<void> {
    return this.#write((query) => dropLease(query, leaderLease, holder));
  }

  recordSigned(request: SignedRequest): Promise<boolean> {
    return this.#write((query) => recordSigned(query, request));
  }

  head(): Promise<Head> {
    return this.#read(readHead);
  }

  entries(subject?: string): Promise<readonly JournalEntry[]> {
    return this.#entries(subject);
  }

  async verify(heads?: readonly string[]): Promise<Verification> {
    try {
      return await this.#read(async (query) => {
        const check = new JournalCheck(heads);
        for await (const entry of readEntries(query)) if (!check.add(entry)) break;
        const rows = await query('SELECT * FROM dbconn.requests');
        const stopped = (await query('SELECT FROM dbconn.stop')).length > 0;
        const incidents = await readVouched(query);
        return check.end({ requests: rows.map(toVouched), incidents, stopped });
      });
    } catch (error) {
      if (!(error instanceof JournalUnavailable)) throw error;
      return { ok: false, seq: null, problem: error.message };
    }
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  #append(query: Query, draft: JournalDraft, data: string | null): Promise<number> {
    return appendEntry(query, { draft, data, maxBytes: this.#maxBytes });
  }

  #entries(subject?: string, afterSeq?: number): Promise<readonly JournalEntry[]> {
    return this.#read(async (query) => {
      const found: JournalEntry[] = [];
      for await (const entry of readEntries(query, subject, afterSeq)) found.push(entry);
      return found;
    });
  }

  #readRequests(
    statement: string,
    values: readonly unknown[],
  ): Promise<readonly ApprovalRequest[]> {
    return this.#read(async (query) =>
      (await query(statement, values)).map((row) => parseRow(ApprovalRequest, row['data'])),
    );
  }

  /** All writers wait here for each other, so that each statement after it sees what the one before has written. */
  async #write<T>(work: (query: Query) => Promise<T>): Promise<T> {
    const [result, known] = await this.#session.transaction('BEGIN', async (query) => {
      await query('SELECT pg_advisory_xact_lock($1)', [lockKey]);
      await this.#mustBeThere(query);
      const done = await work(query);
      return [done, await readKnown(query, this.#known)] as const;
    });
    this.#known = known;
    return result;
  }

  /** One and the same state, while other processes write. */
  #read<T>(work: (query: Query) => Promise<T>): Promise<T> {
    return this.#session.transaction(
      'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY',
      async (query) => {
        await this.#mustBeThere(query);
        return work(query);
      },
    );
  }

  /** An address may lead to another database from one connection to the next. */
  async #mustBeThere(query: Query): Promise<void> {
    if (this.#opened === undefined || (await readIdentity(query)) === this.#opened) return;
    throw new JournalMoved('The journal’s tables are not those that dbconn opened.');
  }
}

async function isBusy(query: Query, { id, target }: ApprovalRequest): Promise<boolean> {
  const others = await query(
    `SELECT FROM dbconn.requests WHERE target = $1 AND state = 'executing' AND id <> $2`,
    [target, id],
  );
  return others.length > 0;
}
