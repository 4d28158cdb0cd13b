import { existsSync } from 'node:fs';
import { systemClock } from './clock.ts';
import type { Config } from './config.ts';
import { toJson } from './journal/export/to-json.ts';
import { toMarkdown } from './journal/export/to-markdown.ts';
import type { StoredJournal } from './journal/stored-journal.ts';
import { isShared, openJournal } from './open-journal.ts';
import { RequestState } from './runbook/approval/request.ts';
import { exitCodes } from './terminal/exit-codes.ts';

/** `journal verify` and `journal export [REQUEST]`, as they were typed. */
export interface JournalCommand {
  readonly words: readonly string[];
  readonly format: string;
}

export interface JournalAnswer {
  readonly text: string;
  readonly code: number;
}

/** Throws JournalUnavailable where the journal cannot be read at all. */
export async function runJournalCommand(
  config: Config,
  { words, format }: JournalCommand,
  warn: (sentence: string) => void,
): Promise<JournalAnswer> {
  const [word, id] = words;
  const isExport = word === 'export';
  if (!isExport && word !== 'verify') return refuse('After journal comes verify or export.');
  if (isExport && format !== 'md' && format !== 'json') return refuse('A format is md or json.');
  if (!isShared(config) && !existsSync(config.journal)) {
    return refuse(`There is no journal at ${config.journal}.`);
  }
  const journal = await openJournal(config, systemClock, warn);
  try {
    return isExport ? await exportJournal(journal, id, format) : await verify(journal);
  } finally {
    await journal.close();
  }
}

async function verify(journal: StoredJournal): Promise<JournalAnswer> {
  const found = await journal.verify();
  if (found.ok) {
    const text = `The journal is whole: ${found.entries} entries, its end is ${found.head}.`;
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
): Promise<JournalAnswer> {
  const verification = await journal.verify();
  const one = id === undefined ? undefined : await journal.read(id);
  if (id !== undefined && one === undefined) return refuse('The journal has no such request.');
  const requests = one === undefined ? await journal.list(RequestState.options) : [one];
  const exported = { verification, requests, entries: await journal.entries(id) };
  const text = format === 'json' ? toJson(exported) : toMarkdown(exported);
  return { text, code: verification.ok ? exitCodes.fine : exitCodes.critical };
}

function refuse(text: string): JournalAnswer {
  return { text, code: exitCodes.unknown };
}
