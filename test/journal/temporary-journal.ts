import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteJournal } from '../../src/journal/sqlite.ts';
import type { SqliteJournal, SqliteJournalOptions } from '../../src/journal/sqlite.ts';
import { systemClock } from '../../src/clock.ts';

/** A folder for journals; `close` closes those it opened and leaves nothing behind. */
export interface JournalFolder {
  readonly file: string;
  open(options?: Partial<SqliteJournalOptions>): Promise<SqliteJournal>;
  closeJournals(): void;
  close(): void;
}

export function makeJournalFolder(): JournalFolder {
  const folder = mkdtempSync(join(tmpdir(), 'dbconn-journal-'));
  const file = join(folder, 'journal.sqlite');
  const opened: SqliteJournal[] = [];
  const closeJournals = (): void => {
    for (const journal of opened) journal.close();
  };
  return {
    file,
    async open(options = {}) {
      const journal = await openSqliteJournal({ file, clock: systemClock, ...options });
      opened.push(journal);
      return journal;
    },
    closeJournals,
    close() {
      closeJournals();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
