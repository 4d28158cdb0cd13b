import type { DatabaseSync } from 'node:sqlite';
import { openStates } from '../runbook/approval/request.ts';
import type { Untrue } from '../runbook/snapshot/ports.ts';
import { sha256 } from './chain.ts';
import type { Head } from './chain.ts';
import { readHashAt, toEntry } from './sqlite-entries.ts';
import { findUntrueIncidents } from './sqlite-incidents.ts';
import { mustBeTrue, newestSubjects, textOf, untrueOf, untrueOfWhole, whyUntrue } from './truth.ts';
import type { LinkedEntry, Whole } from './truth.ts';

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
