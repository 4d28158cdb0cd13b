import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

import { isPostgresUrl } from '../../config/addresses.ts';
import type { Config } from '../../config/config.ts';
import { toExport, toMarkdown } from '../../journal/export/export-journal.ts';
import type { Exported } from '../../journal/export/export-journal.ts';
import type { StoredJournal } from '../../journal/stored-journal.ts';
import { RequestState } from '../../runbook/approvals/request.ts';
import { IncidentState } from '../../runbook/incidents/incident.ts';
import { count } from '../../runbook/snapshot/words.ts';
import { exitCodes, refused } from '../output.ts';
import type { CommandResult } from '../output.ts';
import { readHeads } from '../read-file.ts';
import type { App } from '../../app/deps.ts';

/** `journal verify` and `journal export [REQUEST or INCIDENT]`, as they were typed. */
interface JournalCommand {
  readonly words: readonly string[];
  readonly format: string;
  /** A head that was kept elsewhere. */
  readonly head?: string | undefined;
  /** A file of them. */
  readonly heads?: string | undefined;
}

/** As many as a journal of its bound can hold. */
const mostIncidents = 1_000_000;

/** Throws JournalUnavailable where the journal cannot be read at all. */
export async function runJournalCommand(
  app: App,
  { words, format, head, heads }: JournalCommand,
): Promise<CommandResult> {
  const [word, id] = words;
  const isExport = word === 'export';
  if (!isExport && word !== 'verify') return refused('After journal comes verify or export.');
  if (isExport && format !== 'md' && format !== 'json') return refused('A format is md or json.');
  const kept = await readHeads(head, heads);
  if (!kept.ok) return refused(kept.why);
  return withJournal(app, (journal) =>
    isExport ? exportJournal(journal, id, format) : verify(journal, kept.heads),
  );
}

const unanchored =
  ' What was cut off at its end shows only against a head from Slack: --head HASH or --heads FILE.';

async function verify(journal: StoredJournal, heads: readonly string[]): Promise<CommandResult> {
  const found = await journal.verify(heads);
  if (found.ok) {
    const kept =
      heads.length === 0 ? unanchored : ` It holds ${count(heads.length, 'head')} kept elsewhere.`;
    const text = `The journal is whole: ${found.entries} entries, its end is ${found.head}.${kept}`;
    return { text, code: exitCodes.fine };
  }
  const where = found.seq === null ? '' : ` Entry ${found.seq}:`;
  const text = `The journal is not as it was written.${where} ${found.problem}`;
  return { text, code: exitCodes.critical };
}

/** What was changed is exported too, with a sentence on top that says so, and an exit status. */
async function exportJournal(
  journal: StoredJournal,
  id: string | undefined,
  format: string,
): Promise<CommandResult> {
  const verification = await journal.verify();
  const found = await readSubjects(journal, id);
  if (found === undefined) return refused('The journal has no such request and no such incident.');
  const exported = { verification, ...found, entries: await journal.entries(id) };
  const text =
    format === 'json' ? JSON.stringify(toExport(exported), null, 2) : toMarkdown(exported);
  return { text, code: verification.ok ? exitCodes.fine : exitCodes.critical };
}

type Subjects = Pick<Exported, 'requests' | 'incidents'>;

/** One request, one incident, or all of both; undefined for an id that names neither. */
async function readSubjects(
  journal: StoredJournal,
  id: string | undefined,
): Promise<Subjects | undefined> {
  if (id === undefined) {
    const states = IncidentState.options;
    const newest = await journal.listIncidents({ states, limit: mostIncidents });
    return { requests: await journal.list(RequestState.options), incidents: newest.toReversed() };
  }
  // Not by itself, which refuses one that was changed: an export shows that too.
  const requests = await journal.list(RequestState.options);
  const request = requests.find((one) => one.id === id);
  const incident = await journal.readIncident(id);
  if (request !== undefined) return { requests: [request], incidents: [] };
  return incident === undefined ? undefined : { requests: [], incidents: [incident] };
}

/** Reads a journal that is there already, and makes none. Throws JournalUnavailable where it cannot be read at all. */
export async function withJournal(
  app: App,
  work: (journal: StoredJournal) => Promise<CommandResult>,
): Promise<CommandResult> {
  const missing = whyNoJournal(app.config);
  return missing === undefined ? work(await app.journal()) : refused(missing);
}

/** Why there is nothing to read; undefined where there may be a journal. */
export function whyNoJournal({
  journal,
  journalSetting,
}: Pick<Config, 'journal' | 'journalSetting'>): string | undefined {
  if (isPostgresUrl(journal) || existsSync(journal)) return undefined;
  return `There is no journal at ${resolve(journal)} (from ${journalSetting}).`;
}
