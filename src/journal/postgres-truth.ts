import type { Untrue } from '../runbook/snapshot/ports.ts';
import { ApprovalRequest, openStates } from '../runbook/approval/request.ts';
import { canonicalJson } from '../runbook/remedies/plan.ts';
import type { Head } from './chain.ts';
import { parseRow } from './parse-row.ts';
import { readHashAt, toEntry } from './postgres-entries.ts';
import { findUntrueIncidents } from './postgres-incidents.ts';
import type { Query, Row } from './postgres-session.ts';
import { mustBeTrue, newestSubjects, textOf, untrueOf, untrueOfWhole, whyUntrue } from './truth.ts';
import type { LinkedEntry, StoredRequest, Whole } from './truth.ts';

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
