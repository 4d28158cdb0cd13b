import type { DatabaseSync } from 'node:sqlite';
import type { JournalDraft, Untrue } from '../../runbook/approvals/journal.ts';
import { openStates } from '../../runbook/approvals/request.ts';
import type { ApprovalRequest } from '../../runbook/approvals/request.ts';
import type { IncidentQuery } from '../../runbook/incidents/incident-log.ts';
import { Incident } from '../../runbook/incidents/incident.ts';
import { canonicalJson } from '../../runbook/remedies/plan.ts';
import { sha256 } from '../chain.ts';
import type { Head } from '../chain.ts';
import { parseRow } from '../stored-journal.ts';
import {
  mustBeTrue,
  newestSubjects,
  noteFound,
  textOf,
  untrueIncidents,
  untrueOf,
  untrueOfWhole,
  whyUntrue,
} from '../truth.ts';
import type { LinkedEntry, Whole } from '../truth.ts';
import { appendEntry, readHashAt, toEntry } from './entries.ts';
import type { BootClock } from './entries.ts';

/** An incident as it is to be kept from now on, with the entry that says why. */
interface IncidentWriting {
  readonly incident: Incident;
  readonly draft: JournalDraft;
  readonly clock: BootClock;
}

/** Inside a transaction, as `moveIncident`. */
export function insertIncident(
  database: DatabaseSync,
  { incident, draft, clock }: IncidentWriting,
): 'opened' | 'busy' {
  if (isAnotherOpen(database, incident)) return 'busy';
  const data = canonicalJson(incident);
  const { seq } = appendEntry(database, { clock, draft, data });
  database
    .prepare('INSERT INTO incidents (id, seq, data) VALUES (?, ?, ?)')
    .run(incident.id, seq, data);
  return 'opened';
}

export function updateIncident(
  database: DatabaseSync,
  from: number,
  { incident, draft, clock }: IncidentWriting,
): 'moved' | 'changed' | 'busy' {
  const stored = database
    .prepare(`SELECT version, data, ${vouchedFor} AS vouched FROM incidents WHERE id = ?`)
    .get(incident.id);
  if (stored?.['version'] !== from) return 'changed';
  if (isAnotherOpen(database, incident)) return 'busy';
  const data = canonicalJson(incident);
  database.prepare('UPDATE incidents SET data = ? WHERE id = ?').run(data, incident.id);
  const noted = noteFound(draft, String(stored['data']), stored['vouched']);
  appendEntry(database, { clock, draft: noted, data });
  return 'moved';
}

/** The hash that the last entry about an incident's state names. */
const vouchedFor = /* sql */ `(
  SELECT body ->> 'incidentSha256' FROM entries
  WHERE request = incidents.id AND body ->> 'incidentSha256' IS NOT NULL ORDER BY entries.seq DESC LIMIT 1)`;

/** Among the newest. */
function findUntrueIncidents(database: DatabaseSync): Untrue[] {
  const rows = database
    .prepare(
      `SELECT id, target, data, ${vouchedFor} AS vouched FROM incidents ORDER BY seq DESC LIMIT ?`,
    )
    .all(newestSubjects)
    .filter(({ data, vouched }) => sha256(String(data)) !== vouched);
  return untrueIncidents(rows);
}

export function readIncident(database: DatabaseSync, id: string): Incident | undefined {
  const row = database.prepare('SELECT data FROM incidents WHERE id = ?').get(id);
  return row === undefined ? undefined : parseRow(Incident, row['data']);
}

export function listIncidents(
  database: DatabaseSync,
  { states, target, since, limit }: IncidentQuery,
): readonly Incident[] {
  // Written out, so that SQLite finds what every look asks for by an index, and sorts nothing where it is one state.
  const isState = `state IN (${states.map(() => '?').join(', ')})`;
  const isTarget = target === undefined ? '' : 'AND target = ?';
  const isSince = since === undefined ? '' : "AND data ->> 'openedAt' >= ?";
  const given = [...states, target, since, limit].filter((value) => value !== undefined);
  return database
    .prepare(
      `SELECT data FROM incidents WHERE ${isState} ${isTarget} ${isSince} ORDER BY seq DESC LIMIT ?`,
    )
    .all(...given)
    .map((row) => parseRow(Incident, row['data']));
}

function isAnotherOpen(database: DatabaseSync, { id, target, state }: Incident): boolean {
  if (state !== 'open') return false;
  const other = database
    .prepare("SELECT 1 FROM incidents WHERE target = ? AND state = 'open' AND id <> ?")
    .get(target, id);
  return other !== undefined;
}

/** Inside a transaction, as all of these. The request's JSON text; throws JournalTampered where it is not true. */
export function readTrue(database: DatabaseSync, id: string): string | undefined {
  const row = database.prepare('SELECT data FROM requests WHERE id = ?').get(id);
  if (row === undefined) return undefined;
  const data = String(row['data']);
  mustBeTrue({ id, data }, readLinked(database, id));
  return data;
}

function readLinked(database: DatabaseSync, request: string): LinkedEntry[] {
  return database
    .prepare(
      `SELECT *, (SELECT previous FROM entries AS after WHERE after.seq = entries.seq + 1) AS next
       FROM entries WHERE request = ? ORDER BY seq`,
    )
    .all(request)
    .map((row) => ({ ...toEntry(row), next: textOf(row['next']) }));
}

const newestRequestsStatement = /* sql */ `
  SELECT newest.request AS id, newest.body ->> 'target' AS proposed, requests.target AS stored, data,
    (SELECT body ->> 'requestSha256' FROM entries
     WHERE request = newest.request AND body ->> 'requestSha256' IS NOT NULL ORDER BY seq DESC LIMIT 1) AS vouched
  FROM (SELECT request, body FROM entries WHERE kind = 'proposed' ORDER BY seq DESC LIMIT ${newestSubjects}) AS newest
  LEFT JOIN requests ON id = newest.request
  UNION ALL
  SELECT id, NULL, target, data, NULL FROM requests
  WHERE NOT EXISTS (SELECT 1 FROM entries WHERE request = id AND kind = 'proposed')`;

/** `known`: the end of the chain as this process last wrote it. */
export function findUntrue(database: DatabaseSync, known: Head): Untrue[] {
  const newest = untrueOf(
    database
      .prepare(newestRequestsStatement)
      .all()
      .map(({ id, proposed, stored, data, vouched }) => ({
        id: String(id),
        targets: [proposed, stored].filter((one) => one !== null).map(String),
        isTrue: data !== null && vouched === sha256(String(data)),
      })),
  );
  const hashNow = readHashAt(database, known.seq);
  const whole = untrueOfWhole({ known, hashNow, ...readStops(database) });
  const incidents = findUntrueIncidents(database);
  return [...newest, ...findUntrueOpen(database), ...incidents, ...whole];
}

/** Those that may still be voted on or run are followed through all of their entries. */
function findUntrueOpen(database: DatabaseSync): Untrue[] {
  const open = database
    .prepare(
      'SELECT id, target, data FROM requests WHERE state IN (SELECT value FROM json_each(?))',
    )
    .all(JSON.stringify(openStates));
  return open.flatMap(({ id, target, data }) => {
    const stored = { id: String(id), data: String(data) };
    const problem = whyUntrue(stored, readLinked(database, stored.id));
    return problem === undefined ? [] : [{ target: textOf(target), problem }];
  });
}

export function readStops(database: DatabaseSync): Pick<Whole, 'lastStop' | 'isStopped'> {
  const last = database
    .prepare("SELECT kind FROM entries WHERE kind IN ('stopped', 'go') ORDER BY seq DESC LIMIT 1")
    .get();
  const isStopped = database.prepare('SELECT 1 FROM stop').get() !== undefined;
  return { lastStop: last === undefined ? undefined : String(last['kind']), isStopped };
}

export function isBusy(database: DatabaseSync, { id, target }: ApprovalRequest): boolean {
  const other = database
    .prepare("SELECT 1 FROM requests WHERE target = ? AND state = 'executing' AND id <> ?")
    .get(target, id);
  return other !== undefined;
}
