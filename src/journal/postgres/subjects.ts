import type { JournalDraft, Untrue } from '../../runbook/approvals/journal.ts';
import { ApprovalRequest, openStates } from '../../runbook/approvals/request.ts';
import type { IncidentQuery, JournalTime } from '../../runbook/incidents/incident-log.ts';
import { Incident } from '../../runbook/incidents/incident.ts';
import { canonicalJson } from '../../runbook/remedies/plan.ts';
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
import type { LinkedEntry, StoredRequest, Whole } from '../truth.ts';
import { appendEntry, readHashAt, toEntry } from './entries.ts';
import type { Query, Row } from './session.ts';

/** An incident as it is to be kept from now on, with the entry that says why. */
interface IncidentWriting {
  readonly incident: Incident;
  readonly draft: JournalDraft;
  readonly maxBytes: number;
}

/** In a transaction that holds the journal's lock, as `updateIncident`. */
export async function insertIncident(
  query: Query,
  { incident, ...writing }: IncidentWriting,
): Promise<'opened' | 'busy'> {
  if (await isAnotherOpen(query, incident)) return 'busy';
  const data = canonicalJson(incident);
  const seq = await appendEntry(query, { ...writing, data });
  await query(
    `INSERT INTO dbconn.incidents (target, state, version, opened_at, data, id, seq)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [...incidentColumnsOf(incident), data, incident.id, seq],
  );
  return 'opened';
}

export async function updateIncident(
  query: Query,
  from: number,
  { incident, ...writing }: IncidentWriting,
): Promise<'moved' | 'changed' | 'busy'> {
  const [stored] = await query(
    `SELECT version, data, ${vouchedFor} AS vouched FROM dbconn.incidents WHERE id = $1`,
    [incident.id],
  );
  if (stored?.['version'] !== from) return 'changed';
  if (await isAnotherOpen(query, incident)) return 'busy';
  const data = canonicalJson(incident);
  await query(
    `UPDATE dbconn.incidents SET target = $1, state = $2, version = $3, opened_at = $4, data = $5
     WHERE id = $6`,
    [...incidentColumnsOf(incident), data, incident.id],
  );
  const draft = noteFound(writing.draft, String(stored['data']), stored['vouched']);
  await appendEntry(query, { ...writing, draft, data });
  return 'moved';
}

/** The hash that the last entry about an incident's state names. */
const vouchedFor = `(
  SELECT (body::json) ->> 'incidentSha256' FROM dbconn.entries
  WHERE request = incidents.id AND (body::json) ->> 'incidentSha256' IS NOT NULL
  ORDER BY entries.seq DESC LIMIT 1)`;

/** Among the newest. */
async function findUntrueIncidents(query: Query): Promise<Untrue[]> {
  const rows = await query(
    `SELECT id, target FROM (SELECT * FROM dbconn.incidents ORDER BY seq DESC LIMIT $1) AS incidents
     WHERE encode(sha256(convert_to(data, 'UTF8')), 'hex') IS DISTINCT FROM ${vouchedFor}`,
    [newestSubjects],
  );
  return untrueIncidents(rows);
}

export async function readIncident(query: Query, id: string): Promise<Incident | undefined> {
  const [row] = await query('SELECT data FROM dbconn.incidents WHERE id = $1', [id]);
  return row === undefined ? undefined : parseRow(Incident, row['data']);
}

export async function listIncidents(
  query: Query,
  { states, target, since, limit }: IncidentQuery,
): Promise<readonly Incident[]> {
  const rows = await query(
    `SELECT data FROM dbconn.incidents WHERE state = ANY ($1) AND ($2::text IS NULL OR target = $2)
       AND ($3::text IS NULL OR opened_at >= $3) ORDER BY seq DESC LIMIT $4`,
    [states, target ?? null, since ?? null, limit],
  );
  return rows.map((row) => parseRow(Incident, row['data']));
}

/** By the server's clock, and not before the last entry of an open incident, to wherever that clock was set since. */
export async function readTime(query: Query): Promise<JournalTime> {
  const [row] = await query(
    `SELECT extract(epoch FROM clock_timestamp()) * 1000 AS now,
       (SELECT max(at) FROM dbconn.entries WHERE request IN
         (SELECT id FROM dbconn.incidents WHERE state IN ('open', 'merged'))) AS last`,
  );
  const last = textOf(row?.['last']);
  const nowMs = Math.round(Number(row?.['now']));
  return last === null
    ? { nowMs, isSteady: true }
    : { nowMs: Math.max(nowMs, Date.parse(last)), isSteady: false };
}

/** Each incident's id and data; data that its columns contradict vouches for nothing. */
export async function readVouched(query: Query): Promise<Row[]> {
  const rows = await query('SELECT * FROM dbconn.incidents');
  return rows.map((row) => {
    const data = String(row['data']);
    const columns = ['target', 'state', 'version', 'opened_at'].map((name) => row[name]);
    const agree =
      canonicalJson(columns) === canonicalJson(incidentColumnsOf(parseRow(Incident, data)));
    return { id: row['id'], data: agree ? data : '' };
  });
}

function incidentColumnsOf({ target, state, version, openedAt }: Incident): unknown[] {
  return [target, state, version, openedAt];
}

async function isAnotherOpen(query: Query, { id, target, state }: Incident): Promise<boolean> {
  if (state !== 'open') return false;
  const others = await query(
    `SELECT FROM dbconn.incidents WHERE target = $1 AND state = 'open' AND id <> $2`,
    [target, id],
  );
  return others.length > 0;
}

/** In a transaction, as all of these. The request's JSON text; throws JournalTampered where it is not true. */
export async function readTrue(query: Query, id: string): Promise<string | undefined> {
  const [row] = await query('SELECT * FROM dbconn.requests WHERE id = $1', [id]);
  if (row === undefined) return undefined;
  const stored = toVouched(row);
  mustBeTrue(stored, await readLinked(query, id));
  return stored.data;
}

async function readLinked(query: Query, request: string): Promise<LinkedEntry[]> {
  const rows = await query(
    `SELECT *, (SELECT previous FROM dbconn.entries AS after WHERE after.seq = entries.seq + 1) AS next
     FROM dbconn.entries WHERE request = $1 ORDER BY seq`,
    [request],
  );
  return rows.map((row) => ({
    ...toEntry(row),
    next: textOf(row['next']),
  }));
}

/** Hashed where they are: a thousand plans need not travel each time. */
const newestRequestsStatement = `
  SELECT newest.request AS id, (newest.body::json) ->> 'target' AS proposed, requests.target AS stored,
    coalesce(encode(sha256(convert_to(data, 'UTF8')), 'hex') =
      (SELECT (body::json) ->> 'requestSha256' FROM dbconn.entries
       WHERE request = newest.request AND (body::json) ->> 'requestSha256' IS NOT NULL
       ORDER BY seq DESC LIMIT 1), false) AS same
  FROM (SELECT request, body FROM dbconn.entries WHERE kind = 'proposed'
        ORDER BY seq DESC LIMIT ${newestSubjects}) AS newest
  LEFT JOIN dbconn.requests ON id = newest.request
  UNION ALL
  SELECT id, NULL, target, false FROM dbconn.requests
  WHERE NOT EXISTS (SELECT FROM dbconn.entries WHERE request = id AND kind = 'proposed')`;

/** `known`: the end of the chain as this process last saw it. */
export async function findUntrue(query: Query, known: Head): Promise<Untrue[]> {
  const newest = untrueOf(
    (await query(newestRequestsStatement)).map(({ id, proposed, stored, same }) => ({
      id: String(id),
      targets: [proposed, stored].filter((one) => one !== null).map(String),
      isTrue: same === true,
    })),
  );
  const hashNow = await readHashAt(query, known.seq);
  const whole = untrueOfWhole({ known, hashNow, ...(await readStops(query)) });
  const incidents = await findUntrueIncidents(query);
  return [...newest, ...(await findUntrueOpen(query)), ...incidents, ...whole];
}

/** Those that may still be voted on or run are followed through all of their entries. */
async function findUntrueOpen(query: Query): Promise<Untrue[]> {
  const untrue: Untrue[] = [];
  const open = await query('SELECT * FROM dbconn.requests WHERE state = ANY ($1)', [openStates]);
  for (const row of open) {
    const stored = toVouched(row);
    const problem = whyUntrue(stored, await readLinked(query, stored.id));
    if (problem !== undefined) untrue.push({ target: String(row['target']), problem });
  }
  return untrue;
}

export async function readStops(query: Query): Promise<Pick<Whole, 'lastStop' | 'isStopped'>> {
  const [last] = await query(
    `SELECT kind FROM dbconn.entries WHERE kind IN ('stopped', 'go') ORDER BY seq DESC LIMIT 1`,
  );
  const isStopped = (await query('SELECT FROM dbconn.stop')).length > 0;
  return { lastStop: last === undefined ? undefined : String(last['kind']), isStopped };
}

export function columnsOf({ target, option, state, version, result }: ApprovalRequest): unknown[] {
  return [target, option, state, version, result?.endedAt ?? null];
}

/** A row whose columns say something else than its data vouches for nothing. */
export function toVouched(row: Row): StoredRequest {
  const data = String(row['data']);
  const columns = ['target', 'option', 'state', 'version', 'ended_at'].map((name) => row[name]);
  const agree =
    canonicalJson(columns) === canonicalJson(columnsOf(parseRow(ApprovalRequest, data)));
  return { id: String(row['id']), data: agree ? data : '' };
}
