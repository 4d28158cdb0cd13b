import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

import { isPostgresUrl } from '../../config/addresses.ts';
import type { StoredJournal } from '../../journal/stored-journal.ts';
import { refused } from '../output.ts';
import type { CommandResult } from '../output.ts';
import type { App } from '../../app/deps.ts';

/** Reads a journal that is there already, and makes none. Throws JournalUnavailable where it cannot be read at all. */
export async function withJournal(
  app: App,
  work: (journal: StoredJournal) => Promise<CommandResult>,
): Promise<CommandResult> {
  const { journal, journalSetting } = app.config;
  if (!isPostgresUrl(journal) && !existsSync(journal)) {
    return refused(`There is no journal at ${resolve(journal)} (from ${journalSetting}).`);
  }
  return work(await app.journal());
}
