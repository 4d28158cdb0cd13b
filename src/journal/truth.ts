import { JournalTampered } from '../runbook/approvals/journal.ts';
import type { JournalDraft, Untrue } from '../runbook/approvals/journal.ts';
import { openStates } from '../runbook/approvals/request.ts';
import type { Incident } from '../runbook/incidents/incident.ts';
import { RequestTrail, genesis, hashEntry, sha256 } from './chain.ts';
import type { Head } from './chain.ts';
import type { Row, Transaction } from './driver.ts';
import { placeholders, readHashAt, toEntry } from './entries.ts';
import { requests, selectTexts, textOfRow } from './subjects.ts';

/**
 * Whether what is stored was written through the chain: found where a decision rests on it, not only by a whole
 * `verify`. What is not true is never written on, so that no entry vouches for it later.
 */

/** No installation has more requests, or incidents, within any expiry or cooldown. */
const newestSubjects = 1000;

/** The request's JSON text. Throws JournalTampered where it is not what its entries, all of them in their order, say of it. */
export async function readTrue(tx: Transaction, id: string): Promise<string | undefined> {
  const [row] = await tx.query(`${selectTexts(tx, requests)} WHERE id = $1`, [id]);
  if (row === undefined) return undefined;
  const problem = await whyUntrue(tx, row);
  if (problem !== undefined) throw new JournalTampered(problem);
  return String(row['data']);
}

/** Why a request's row is not, as a sentence, or undefined. */
async function whyUntrue(tx: Transaction, row: Row): Promise<string | undefined> {
  const id = String(row['id']);
  const data = textOfRow(tx, requests, row);
  // `next`: what the entry after it names as the one before; null at the end of the chain.
  const entries = await tx.query(
    `SELECT *, (SELECT previous FROM dbconn.entries AS after WHERE after.seq = entries.seq + 1) AS next
     FROM dbconn.entries WHERE request = $1 ORDER BY seq`,
    [id],
  );
  const trail = new RequestTrail();
  for (const found of entries) {
    const entry = toEntry(found);
    const { seq, hash } = entry;
    if (hashEntry(entry) !== hash) return toSentence(id, `entry ${seq} was changed`);
    if (found['next'] !== null && found['next'] !== hash) {
      return toSentence(id, `entry ${seq + 1} does not follow`);
    }
    const problem = trail.add(entry);
    if (problem !== undefined) return toSentence(id, `entry ${seq}: ${problem.slice(0, -1)}`);
  }
  const problem = trail.whyUntrue(data);
  return problem === undefined ? undefined : toSentence(id, problem);
}

function toSentence(id: string, problem: string): string {
  return `Request ${id} was changed past the journal’s entries: ${problem}.`;
}

/** Of the newest requests and incidents, of those requests that may still be voted on or run, and of the record as a whole. */
export async function findUntrue(tx: Transaction, known: Head): Promise<Untrue[]> {
  const newest = await findUntrueNewest(tx);
  const open = await findUntrueOpen(tx);
  const changed = await findUntrueIncidents(tx);
  const whole = [await whyChainUntrue(tx, known), await whyStopUntrue(tx)]
    .filter((problem) => problem !== undefined)
    .map((problem) => ({ target: null, problem }));
  return [...newest, ...open, ...changed, ...whole];
}

/** A request counts for every target that its first entry or its row name. */
async function findUntrueNewest(tx: Transaction): Promise<Untrue[]> {
  const rows = await tx.query(
    `SELECT newest.request AS id, (newest.body::json) ->> 'target' AS proposed, requests.target AS stored
     FROM (SELECT request, body FROM dbconn.entries WHERE kind = 'proposed'
           ORDER BY seq DESC LIMIT ${newestSubjects}) AS newest
     LEFT JOIN dbconn.requests ON id = newest.request
     WHERE NOT coalesce(${tx.sha256OfData} = ${vouchedFor('requestSha256', 'newest.request')}, false)
     UNION ALL
     SELECT id, NULL, target FROM dbconn.requests
     WHERE NOT EXISTS (SELECT 1 FROM dbconn.entries WHERE request = id AND kind = 'proposed')`,
  );
  return rows.flatMap(({ id, proposed, stored }) => {
    const problem = toSentence(String(id), 'it is not what its last entry says');
    const named = new Set([proposed, stored].map(textOf).filter((target) => target !== null));
    return (named.size === 0 ? [null] : [...named]).map((target) => ({ target, problem }));
  });
}

/** The hash that the last entry about a request's or incident's state names. */
function vouchedFor(key: 'requestSha256' | 'incidentSha256', id: string): string {
  return `(SELECT (body::json) ->> '${key}' FROM dbconn.entries
    WHERE request = ${id} AND (body::json) ->> '${key}' IS NOT NULL ORDER BY entries.seq DESC LIMIT 1)`;
}

/** These are followed through all of their entries. */
async function findUntrueOpen(tx: Transaction): Promise<Untrue[]> {
  const untrue: Untrue[] = [];
  const rows = await tx.query(
    `SELECT * FROM dbconn.requests WHERE state IN (${placeholders(openStates, 1)})`,
    openStates,
  );
  for (const row of rows) {
    const problem = await whyUntrue(tx, row);
    if (problem !== undefined) untrue.push({ target: textOf(row['target']), problem });
  }
  return untrue;
}

async function findUntrueIncidents(tx: Transaction): Promise<Untrue[]> {
  const rows = await tx.query(
    `SELECT id, target FROM (SELECT * FROM dbconn.incidents ORDER BY seq DESC LIMIT $1) AS incidents
     WHERE ${tx.sha256OfData} IS DISTINCT FROM ${vouchedFor('incidentSha256', 'incidents.id')}`,
    [newestSubjects],
  );
  return rows.map(({ id, target }) => ({
    target: textOf(target),
    problem: `Incident ${String(id)} was changed past the journal’s entries.`,
  }));
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** `known`: the end of the chain as this process last saw it. */
async function whyChainUntrue(tx: Transaction, { seq, hash }: Head): Promise<string | undefined> {
  if (hash === genesis || (await readHashAt(tx, seq)) === hash) return undefined;
  return `Journal entry ${seq} is gone, or another one than dbconn wrote.`;
}

/** Why the stored emergency stop is not what the last entry about one says. */
export async function whyStopUntrue(tx: Transaction): Promise<string | undefined> {
  const [last] = await tx.query(
    `SELECT kind FROM dbconn.entries WHERE kind IN ('stopped', 'go') ORDER BY seq DESC LIMIT 1`,
  );
  return (last?.['kind'] === 'stopped') === (await isStopped(tx))
    ? undefined
    : 'The emergency stop was changed past the journal’s entries.';
}

export async function isStopped(tx: Transaction): Promise<boolean> {
  return (await tx.query('SELECT 1 FROM dbconn.stop')).length > 0;
}

/**
 * The entry that is to follow an incident's state of that version; undefined where it has another one by now. An incident
 * goes on even where its row was changed, for people have to be called: then its next entry says what it found instead of
 * vouching for it in silence, and `verify` never takes the journal for whole again.
 */
export async function noteFound(
  tx: Transaction,
  draft: JournalDraft,
  { id, version }: Pick<Incident, 'id' | 'version'>,
): Promise<JournalDraft | undefined> {
  const [row] = await tx.query(
    `SELECT data, ${vouchedFor('incidentSha256', 'incidents.id')} AS vouched
     FROM dbconn.incidents WHERE id = $1 AND version = $2`,
    [id, version],
  );
  if (row === undefined) return undefined;
  const foundSha256 = sha256(String(row['data']));
  return foundSha256 === row['vouched']
    ? draft
    : { ...draft, body: { ...draft.body, foundSha256 } };
}
