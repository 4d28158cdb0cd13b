import { z } from 'zod';
import {
  JournalTampered,
  JournalUnavailable,
  signedRequestKeptSeconds,
} from '../runbook/approvals/journal.ts';
import type {
  Holder,
  Journal,
  JournalDraft,
  SignedRequest,
  SignedRequestLog,
  Stop,
  Untrue,
} from '../runbook/approvals/journal.ts';
import { ApprovalRequest, isOpen } from '../runbook/approvals/request.ts';
import type {
  IncidentLog,
  IncidentQuery,
  JournalTime,
  KeptNote,
} from '../runbook/incidents/incident-log.ts';
import { Incident } from '../runbook/incidents/incident.ts';
import { canonicalJson } from '../runbook/remedies/plan.ts';
import type { StepEntry } from '../runbook/remedies/remedy.ts';
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
  dropLease,
  leaderLease,
  prolongLeases,
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
import { findUntrue, noteFound, readTrue, verifyAll, whyStopUntrue } from './truth.ts';

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

  /** Over a driver that is ready; closes it where its journal cannot be read. */
  static async open(driver: Driver): Promise<StoredJournal> {
    const journal = new StoredJournal(driver);
    try {
      journal.#known = await journal.head();
      return journal;
    } catch (error) {
      await driver.close();
      throw error;
    }
  }

  create(request: ApprovalRequest, draft: JournalDraft): Promise<void> {
    return this.#write(async (tx) => {
      const data = canonicalJson(request);
      const seq = await appendEntry(tx, draft, data);
      await insertSubject(tx, requests, { subject: request, data, seq });
    });
  }

  read(id: string): Promise<ApprovalRequest | undefined> {
    return this.#driver.read(async (tx) => {
      const data = await readTrue(tx, id);
      return data === undefined ? undefined : parseStored(ApprovalRequest, data);
    });
  }

  list(states: readonly ApprovalRequest['state'][]): Promise<readonly ApprovalRequest[]> {
    return this.#readRequests(() => `state IN (${placeholders(states, 1)})`, states);
  }

  readRunsSince({
    target,
    option,
    since,
  }: Parameters<Journal['readRunsSince']>[0]): Promise<readonly ApprovalRequest[]> {
    return this.#readRequests(
      ({ optionOfRequest, endOfRequest }) =>
        `state IN ('verifying', 'done') AND target = $1 AND ${optionOfRequest} = $2 AND ${endOfRequest} >= $3`,
      [target, option, since],
    );
  }

  readRequestsSince({
    target,
    since,
    option,
  }: Parameters<IncidentLog['readRequestsSince']>[0]): Promise<readonly ApprovalRequest[]> {
    return this.#readRequests(
      ({ optionOfRequest }) =>
        `target = $1 AND (data::json) ->> 'proposedAt' >= $2 AND ($3::text IS NULL OR ${optionOfRequest} = $3)`,
      [target, since, option ?? null],
    );
  }

  move(
    from: number,
    to: ApprovalRequest,
    draft: JournalDraft,
  ): Promise<'moved' | 'changed' | 'busy'> {
    return this.#write(async (tx) => {
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
  }

  record(draft: JournalDraft): Promise<void> {
    return this.#write(async (tx) => {
      await useLease(tx, draft);
      await appendEntry(tx, draft, null);
    });
  }

  acquire(request: string, holder: Holder): Promise<boolean> {
    return this.#write((tx) => takeFreeLease(tx, request, holder));
  }

  renew(holder: Holder): Promise<void> {
    return this.#write((tx) => prolongLeases(tx, holder));
  }

  release(request: string, holder: Holder): Promise<void> {
    return this.#write((tx) => dropLease(tx, request, holder));
  }

  takeLead(holder: Holder): Promise<boolean> {
    return this.#write((tx) => takeLeaderLease(tx, holder));
  }

  endLead(holder: Holder): Promise<void> {
    return this.release(leaderLease, holder);
  }

  async readSteps(request: string): Promise<readonly StepEntry[]> {
    return (await this.entries(request)).flatMap(toStep);
  }

  readAgeMs(request: string, kinds: readonly string[]): Promise<number | undefined> {
    return this.#driver.read((tx) => readAgeMs(tx, request, kinds));
  }

  readStop(): Promise<Stop | undefined> {
    return this.#driver.read(async (tx) => {
      const problem = await whyStopUntrue(tx);
      if (problem !== undefined) throw new JournalTampered(problem);
      const [row] = await tx.query('SELECT data FROM dbconn.stop');
      return row === undefined ? undefined : parseStored(StopRow, row['data']);
    });
  }

  writeStop(stop: Stop | undefined, draft: JournalDraft): Promise<void> {
    return this.#write(async (tx) => {
      await tx.query('DELETE FROM dbconn.stop');
      if (stop !== undefined) {
        await tx.query('INSERT INTO dbconn.stop VALUES (1, $1)', [canonicalJson(stop)]);
      }
      await appendEntry(tx, draft, null);
    });
  }

  findUntrue(): Promise<readonly Untrue[]> {
    return this.#driver.read(async (tx) => {
      const problem = this.#driver.findDamage?.();
      const damaged = problem === undefined ? [] : [{ target: null, problem }];
      return [...damaged, ...(await findUntrue(tx, this.#known))];
    });
  }

  openIncident(incident: Incident, draft: JournalDraft): Promise<'opened' | 'busy'> {
    return this.#write(async (tx) => {
      if (await isBarred(tx, incidents, incident)) return 'busy';
      const data = canonicalJson(incident);
      const seq = await appendEntry(tx, draft, data);
      await insertSubject(tx, incidents, { subject: incident, data, seq });
      return 'opened';
    });
  }

  readIncident(id: string): Promise<Incident | undefined> {
    return this.#driver.read(async (tx) => {
      const [row] = await tx.query('SELECT data FROM dbconn.incidents WHERE id = $1', [id]);
      return row === undefined ? undefined : parseStored(Incident, row['data']);
    });
  }

  listIncidents(query: IncidentQuery): Promise<readonly Incident[]> {
    return this.#driver.read((tx) => listIncidents(tx, query));
  }

  moveIncident(
    from: number,
    to: Incident,
    draft: JournalDraft,
  ): Promise<'moved' | 'changed' | 'busy'> {
    return this.#write(async (tx) => {
      const noted = await noteFound(tx, draft, { id: to.id, version: from });
      if (noted === undefined) return 'changed';
      if (await isBarred(tx, incidents, to)) return 'busy';
      const data = canonicalJson(to);
      await replaceSubject(tx, incidents, { subject: to, data, from });
      await appendEntry(tx, noted, data);
      return 'moved';
    });
  }

  async readNotes(incident: string, afterSeq: number): Promise<readonly KeptNote[]> {
    return (await this.entries(incident, afterSeq)).flatMap(toNote);
  }

  readTime(): Promise<JournalTime> {
    return this.#driver.read((tx) => tx.readTime());
  }

  recordSigned({ hash, signedAt }: SignedRequest): Promise<boolean> {
    return this.#driver.write(async (tx) => {
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
  }

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
      return await this.#driver.read((tx) => verifyAll(tx, heads));
    } catch (error) {
      // Damage can be so deep that the database itself cannot read on: that is an answer too.
      if (!(error instanceof JournalUnavailable)) throw error;
      return { ok: false, seq: null, problem: error.message };
    }
  }

  close(): Promise<void> {
    return this.#driver.close();
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
  read: refuse,
  write: refuse,
  close: () => Promise.resolve(),
});

function refuse(): Promise<never> {
  return Promise.reject(new JournalUnavailable('Nothing is recorded in a dry run.'));
}
