import { z } from 'zod';
import {
  JournalTampered,
  JournalUnavailable,
  signedRequestKeptSeconds,
} from '../runbook/approvals/journal.ts';
import type { Journal, JournalDraft, SignedRequestLog } from '../runbook/approvals/journal.ts';
import { ApprovalRequest, isOpen } from '../runbook/approvals/request.ts';
import type { IncidentLog } from '../runbook/incidents/incident-log.ts';
import { Incident } from '../runbook/incidents/incident.ts';
import { canonicalJson } from '../runbook/remedies/plan.ts';
import { genesis } from './chain.ts';
import type { Head, JournalEntry, Verification } from './chain.ts';
import { parseStored } from './driver.ts';
import type { Dialect, Driver, Value, Work } from './driver.ts';
import {
  appendEntry,
  placeholders,
  readAgeMs,
  readEntries,
  readHead,
  readKnown,
  toNote,
  toStep,
} from './entries.ts';
import {
  leaderLease,
  prolong,
  takeFreeLease,
  takeLeaderLease,
  takeLease,
  useLease,
} from './leases.ts';
import {
  incidents,
  insertSubject,
  isBarred,
  listIncidents,
  replaceSubject,
  requests,
} from './subjects.ts';
import type { Subject, Table } from './subjects.ts';
import { findUntrue, noteFound, readTrue, whyStopUntrue } from './truth.ts';
import { verifyJournal } from './verify.ts';

const StopRow = z.strictObject({
  by: z.string(),
  at: z.string(),
  reason: z.string(),
  lift: z.string().exactOptional(),
});

/**
 * The journal as it is kept in some database, with what proves that it is whole. Everything throws JournalUnavailable
 * when that refuses. Close it at the end.
 */
export class StoredJournal implements Journal, IncidentLog, SignedRequestLog {
  readonly #driver: Driver;
  /** The end of the chain as this process last saw it: that entry must never change any more. */
  #known: Head = { seq: 0, hash: genesis };

  constructor(driver: Driver) {
    this.#driver = driver;
  }

  static async open(driver: Driver): Promise<StoredJournal> {
    const journal = new StoredJournal(driver);
    try {
      await driver.open();
      journal.#known = await journal.head();
      return journal;
    } catch (error) {
      await driver.close();
      throw error;
    }
  }

  create: Journal['create'] = async (request, draft) => {
    await this.#insert(requests, request, draft);
  };

  read: Journal['read'] = (id) =>
    this.#driver.read(async (tx) => {
      const data = await readTrue(tx, id);
      return data === undefined ? undefined : parseStored(ApprovalRequest, data);
    });

  list: Journal['list'] = (states) =>
    this.#readRequests(() => `state IN (${placeholders(states, 1)})`, states);

  readRunsSince: Journal['readRunsSince'] = ({ target, option, since }) =>
    this.#readRequests(
      ({ optionOfRequest, endOfRequest }) =>
        `state IN ('verifying', 'done') AND target = $1 AND ${optionOfRequest} = $2 AND ${endOfRequest} >= $3`,
      [target, option, since],
    );

  readRequestsSince: IncidentLog['readRequestsSince'] = ({ target, since, option }) =>
    this.#readRequests(
      ({ optionOfRequest }) =>
        `target = $1 AND (data::json) ->> 'proposedAt' >= $2 AND ($3::text IS NULL OR ${optionOfRequest} = $3)`,
      [target, since, option ?? null],
    );

  move: Journal['move'] = (from, to, draft) =>
    this.#write(async (tx) => {
      if (to.state !== 'approved') await useLease(tx, draft);
      if (await isBarred(tx, requests, to)) return 'busy';
      await readTrue(tx, to.id);
      const data = canonicalJson(to);
      if (!(await replaceSubject(tx, requests, { subject: to, data, from }))) return 'changed';
      await appendEntry(tx, draft, data);
      if (to.state === 'approved' && draft.holder !== undefined) {
        await takeLease(tx, to.id, draft.holder);
      }
      if (!isOpen(to)) await tx.query('DELETE FROM dbconn.leases WHERE request = $1', [to.id]);
      return 'moved';
    });

  record: Journal['record'] = (draft) =>
    this.#write(async (tx) => {
      await useLease(tx, draft);
      await appendEntry(tx, draft, null);
    });

  acquire: Journal['acquire'] = (request, holder) =>
    this.#write((tx) => takeFreeLease(tx, request, holder));

  renew: Journal['renew'] = ({ id, forMs }) =>
    this.#write(async (tx) => {
      await tx.query(`${prolong(tx)} WHERE holder = $2`, [forMs, id]);
    });

  release: Journal['release'] = (request, { id }) =>
    this.#write(async (tx) => {
      await tx.query('DELETE FROM dbconn.leases WHERE request = $1 AND holder = $2', [request, id]);
    });

  takeLead: IncidentLog['takeLead'] = (holder) => this.#write((tx) => takeLeaderLease(tx, holder));

  endLead: IncidentLog['endLead'] = (holder) => this.release(leaderLease, holder);

  readSteps: Journal['readSteps'] = async (request) =>
    (await this.entries(request)).flatMap(toStep);

  readAgeMs: Journal['readAgeMs'] = (request, kinds) =>
    this.#driver.read((tx) => readAgeMs(tx, request, kinds));

  readStop: Journal['readStop'] = () =>
    this.#driver.read(async (tx) => {
      const problem = await whyStopUntrue(tx);
      if (problem !== undefined) throw new JournalTampered(problem);
      const [row] = await tx.query('SELECT data FROM dbconn.stop');
      return row === undefined ? undefined : parseStored(StopRow, row['data']);
    });

  writeStop: Journal['writeStop'] = (stop, draft) =>
    this.#write(async (tx) => {
      await tx.query('DELETE FROM dbconn.stop');
      if (stop !== undefined) {
        await tx.query('INSERT INTO dbconn.stop VALUES (1, $1)', [canonicalJson(stop)]);
      }
      await appendEntry(tx, draft, null);
    });

  findUntrue: Journal['findUntrue'] = () =>
    this.#driver.read(async (tx) => {
      const problem = this.#driver.findDamage?.();
      const damaged = problem === undefined ? [] : [{ target: null, problem }];
      return [...damaged, ...(await findUntrue(tx, this.#known))];
    });

  openIncident: IncidentLog['openIncident'] = (incident, draft) =>
    this.#insert(incidents, incident, draft);

  readIncident: IncidentLog['readIncident'] = (id) =>
    this.#driver.read(async (tx) => {
      const [row] = await tx.query('SELECT data FROM dbconn.incidents WHERE id = $1', [id]);
      return row === undefined ? undefined : parseStored(Incident, row['data']);
    });

  listIncidents: IncidentLog['listIncidents'] = (query) =>
    this.#driver.read((tx) => listIncidents(tx, query));

  moveIncident: IncidentLog['moveIncident'] = (from, to, draft) =>
    this.#write(async (tx) => {
      const noted = await noteFound(tx, draft, { id: to.id, version: from });
      if (noted === undefined) return 'changed';
      if (await isBarred(tx, incidents, to)) return 'busy';
      const data = canonicalJson(to);
      await replaceSubject(tx, incidents, { subject: to, data, from });
      await appendEntry(tx, noted, data);
      return 'moved';
    });

  readNotes: IncidentLog['readNotes'] = async (incident, afterSeq) =>
    (await this.entries(incident, afterSeq)).flatMap(toNote);

  readTime: IncidentLog['readTime'] = () => this.#driver.read((tx) => tx.readTime());

  recordSigned: SignedRequestLog['recordSigned'] = ({ hash, signedAt }) =>
    this.#driver.write(async (tx) => {
      const values = [hash, signedAt, signedRequestKeptSeconds];
      const added = await tx.query(
        `INSERT INTO dbconn.heard SELECT $1, $2::bigint
           WHERE NOT EXISTS (SELECT 1 FROM dbconn.heard WHERE signed_at > $2::bigint + $3::bigint)
         ON CONFLICT DO NOTHING RETURNING hash`,
        values,
      );
      const forgotten = 'DELETE FROM dbconn.heard WHERE signed_at < $1::bigint - $2::bigint';
      await tx.query(forgotten, values.slice(1));
      return added.length === 1;
    });

  head(): Promise<Head> {
    return this.#driver.read(readHead);
  }

  /** The entries of one request or of one incident, or all, in order; those after `afterSeq` alone where it is given. */
  entries(subject?: string, afterSeq?: number): Promise<readonly JournalEntry[]> {
    return this.#driver.read((tx) => Array.fromAsync(readEntries(tx, subject, afterSeq)));
  }

  /**
   * Recomputes the whole chain, follows each request through it, and holds requests and incidents against it. `heads`
   * are hashes that were kept elsewhere, each of which must be an entry's.
   */
  async verify(heads?: readonly string[]): Promise<Verification> {
    try {
      return await this.#driver.read((tx) => verifyJournal(tx, heads));
    } catch (error) {
      // Damage can be so deep that the database itself cannot read on: that is an answer too.
      if (!(error instanceof JournalUnavailable)) throw error;
      return { ok: false, seq: null, problem: error.message };
    }
  }

  close(): Promise<void> {
    return this.#driver.close();
  }

  #insert<T extends Subject>(
    table: Table<T>,
    subject: T,
    draft: JournalDraft,
  ): Promise<'opened' | 'busy'> {
    return this.#write(async (tx) => {
      if (await isBarred(tx, table, subject)) return 'busy';
      const data = canonicalJson(subject);
      const seq = await appendEntry(tx, draft, data);
      await insertSubject(tx, table, { subject, data, seq });
      return 'opened';
    });
  }

  async #write<T>(work: Work<T>): Promise<T> {
    const [result, known] = await this.#driver.write(async (tx) => {
      const done = await work(tx);
      return [done, await readKnown(tx, this.#known)] as const;
    });
    this.#known = known;
    return result;
  }

  #readRequests(
    where: (dialect: Dialect) => string,
    values: readonly Value[],
  ): Promise<readonly ApprovalRequest[]> {
    return this.#driver.read(async (tx) => {
      const rows = await tx.query(
        `SELECT data FROM dbconn.requests WHERE ${where(tx)} ORDER BY seq`,
        values,
      );
      return rows.map(({ data }) => parseStored(ApprovalRequest, data));
    });
  }
}

/** For what records nothing, such as a dry run: every attempt to write or read is refused. */
export const noJournal: Journal = new StoredJournal({
  open: refuse,
  read: refuse,
  write: refuse,
  close: () => Promise.resolve(),
});

function refuse(): Promise<never> {
  return Promise.reject(new JournalUnavailable('Nothing is recorded in a dry run.'));
}
