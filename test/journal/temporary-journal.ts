import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteJournal } from '../../src/journal/sqlite/driver.ts';
import type { StoredJournal } from '../../src/journal/stored-journal.ts';
import { systemClock } from '../../src/timing.ts';

type SqliteJournalOptions = Parameters<typeof openSqliteJournal>[0];

/** A folder for journals; `close` closes those it opened and leaves nothing behind. */
export interface JournalFolder {
  readonly file: string;
  open(options?: Partial<SqliteJournalOptions>): Promise<StoredJournal>;
  closeJournals(): void;
  close(): void;
}

/** Where a journal costs no disk, if this machine has such a place: for tests that write thousands of them. */
export const inMemory = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

export function makeJournalFolder(under = tmpdir()): JournalFolder {
  const folder = mkdtempSync(join(under, 'dbconn-journal-'));
  const file = join(folder, 'journal.sqlite');
  const opened: StoredJournal[] = [];
  const closeJournals = (): void => {
    for (const journal of opened) void journal.close();
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
