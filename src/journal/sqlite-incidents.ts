import type { DatabaseSync } from 'node:sqlite';
import { Incident } from '../runbook/incident/incident.ts';
import type { IncidentQuery } from '../runbook/ports/incident-log.ts';
import type { JournalDraft, Untrue } from '../runbook/snapshot/ports.ts';
import { canonicalJson } from '../runbook/remedies/plan.ts';
import { sha256 } from './chain.ts';
import { parseRow } from './parse-row.ts';
import type { BootClock } from './sqlite-clock.ts';
import { appendEntry } from './sqlite-entries.ts';
import { newestSubjects, noteFound, untrueIncidents } from './truth.ts';

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
export function findUntrueIncidents(database: DatabaseSync): Untrue[] {
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
