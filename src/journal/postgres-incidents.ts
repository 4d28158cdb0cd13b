import { Incident } from '../runbook/incident/incident.ts';
import type { IncidentQuery, JournalTime } from '../runbook/ports/incident-log.ts';
import type { JournalDraft, Untrue } from '../runbook/snapshot/ports.ts';
import { canonicalJson } from '../runbook/remedies/plan.ts';
import { parseRow } from './parse-row.ts';
import { appendEntry } from './postgres-entries.ts';
import type { Query, Row } from './postgres-session.ts';
import { newestSubjects, noteFound, textOf, untrueIncidents } from './truth.ts';

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
export async function findUntrueIncidents(query: Query): Promise<Untrue[]> {
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
