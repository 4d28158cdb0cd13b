import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { openJournal } from '../../app/journal.ts';
import { isPostgresUrl } from '../../config/addresses.ts';
import type { Config } from '../../config/config.ts';
import type { StoredJournal } from '../../journal/stored-journal.ts';
import { systemClock } from '../../timing.ts';
import { refused } from '../output.ts';
import type { CommandResult } from '../output.ts';

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
