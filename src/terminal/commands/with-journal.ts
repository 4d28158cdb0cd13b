import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { systemClock } from '../../clock.ts';
import type { Config } from '../../config/config.ts';
import type { StoredJournal } from '../../journal/stored-journal.ts';
import { isPostgresUrl } from '../../config/postgres-url.ts';
import { openJournal } from '../../app/journal.ts';
import { refused } from '../said.ts';
import type { CommandResult } from '../said.ts';

/** Reads a journal that is there already, and closes it. Throws JournalUnavailable where it cannot be read at all. */
export async function withJournal(
  config: Config,
  warn: (sentence: string) => void,
  work: (journal: StoredJournal) => Promise<CommandResult>,
): Promise<CommandResult> {
  const { journal: at, journalSetting } = config;
  if (!isPostgresUrl(at) && !existsSync(at)) {
    return refused(`There is no journal at ${resolve(at)} (from ${journalSetting}).`);
  }
  const journal = await openJournal(config, systemClock, warn);
  try {
    return await work(journal);
  } finally {
    await journal.close();
  }
}
