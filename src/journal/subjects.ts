import type { z } from 'zod';
import { ApprovalRequest } from '../runbook/approvals/request.ts';
import type { IncidentQuery } from '../runbook/incidents/incident-log.ts';
import { Incident } from '../runbook/incidents/incident.ts';
import { canonicalJson } from '../runbook/remedies/plan.ts';
import { parseStored } from './driver.ts';
import type { Row, Transaction, Value } from './driver.ts';
import { placeholders } from './entries.ts';

export type Subject = Pick<ApprovalRequest | Incident, 'id' | 'target' | 'state' | 'version'>;

/** Where requests or incidents are kept, each as JSON text. */
export interface Table<T extends Subject> {
  readonly name: string;
  readonly schema: z.ZodType<T>;
  /** Only one of a target may be in this state. */
  readonly onlyOne: T['state'];
  /** Those that repeat what is in the text. */
  columnsOf(subject: T): Readonly<Record<string, Value>>;
}

export const requests: Table<ApprovalRequest> = {
  name: 'dbconn.requests',
  schema: ApprovalRequest,
  onlyOne: 'executing',
  columnsOf: ({ target, option, state, version, result }) => ({
    target,
    option,
    state,
    version,
    ended_at: result?.endedAt ?? null,
  }),
};

export const incidents: Table<Incident> = {
  name: 'dbconn.incidents',
  schema: Incident,
  onlyOne: 'open',
  columnsOf: ({ target, state, version, openedAt }) => ({
    target,
    state,
    version,
    opened_at: openedAt,
  }),
};

interface Stored<T> {
  readonly subject: T;
  readonly data: string;
}

/** In a transaction that writes, as `replaceSubject`. `seq`: the number of its first entry. */
export async function insertSubject<T extends Subject>(
  tx: Transaction,
  table: Table<T>,
  { seq, ...stored }: Stored<T> & { readonly seq: number },
): Promise<void> {
  const columns = { id: stored.subject.id, seq, ...columnsToWrite(tx, table, stored) };
  const values = Object.values(columns);
  const names = Object.keys(columns).join(', ');
  await tx.query(
    `INSERT INTO ${table.name} (${names}) VALUES (${placeholders(values, 1)})`,
    values,
  );
}

/** False where it is not of version `from` any more. */
export async function replaceSubject<T extends Subject>(
  tx: Transaction,
  table: Table<T>,
  { from, ...stored }: Stored<T> & { readonly from: number },
): Promise<boolean> {
  const columns = columnsToWrite(tx, table, stored);
  const sets = Object.keys(columns).map((name, index) => `${name} = $${index + 3}`);
  const changed = await tx.query(
    `UPDATE ${table.name} SET ${sets.join(', ')} WHERE id = $1 AND version = $2 RETURNING id`,
    [stored.subject.id, from, ...Object.values(columns)],
  );
  return changed.length === 1;
}

function columnsToWrite<T extends Subject>(
  tx: Transaction,
  table: Table<T>,
  { subject, data }: Stored<T>,
): Readonly<Record<string, Value>> {
  return { data, ...(tx.hasWrittenColumns && table.columnsOf(subject)) };
}

/** What `textOfRow` reads. SQLite draws the other columns from the text, and fails where that is no JSON any more. */
export function selectTexts<T extends Subject>(tx: Transaction, { name }: Table<T>): string {
  return `SELECT ${tx.hasWrittenColumns ? '*' : 'id, data'} FROM ${name}`;
}

/** Its JSON text, or '' where the columns beside that say something else: then it vouches for nothing. */
export function textOfRow<T extends Subject>(tx: Transaction, table: Table<T>, row: Row): string {
  const data = String(row['data']);
  if (!tx.hasWrittenColumns) return data;
  const columns = table.columnsOf(parseStored(table.schema, data));
  const found = Object.fromEntries(Object.keys(columns).map((name) => [name, row[name]]));
  return canonicalJson(found) === canonicalJson(columns) ? data : '';
}

/** Whether another one of its target is in the state that only one may be in, and so this one may not be. */
export async function isBarred<T extends Subject>(
  tx: Transaction,
  { name, onlyOne }: Table<T>,
  { id, target, state }: T,
): Promise<boolean> {
  if (state !== onlyOne) return false;
  const others = await tx.query(
    `SELECT 1 FROM ${name} WHERE target = $1 AND state = '${onlyOne}' AND id <> $2`,
    [target, id],
  );
  return others.length > 0;
}

export async function listIncidents(
  tx: Transaction,
  { states, target, since, limit }: IncidentQuery,
): Promise<readonly Incident[]> {
  // Written out, so that SQLite finds what every check asks for by an index, and sorts nothing where it is one state.
  const values: Value[] = [...states];
  const given = (value: Value): string => `$${values.push(value)}`;
  const isTarget = target === undefined ? '' : `AND target = ${given(target)}`;
  const isSince = since === undefined ? '' : `AND ${tx.beginningOfIncident} >= ${given(since)}`;
  const rows = await tx.query(
    `SELECT data FROM dbconn.incidents WHERE state IN (${placeholders(states, 1)}) ${isTarget} ${isSince}
     ORDER BY seq DESC LIMIT ${given(limit)}`,
    values,
  );
  return rows.map(({ data }) => parseStored(Incident, data));
}
