import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { JournalUnavailable } from '../runbook/approval/journal-unavailable.ts';
import { toJournalError } from './failure.ts';
import { prepareSchema } from './schema.ts';

const pageBytes = 4096;
const defaultMaxBytes = 1024 ** 3;
/** SQLite's own waiting blocks the whole process, so it is kept to a blink and the rest is waited by the caller. */
const blockingWaitMs = 20;

/** Opens the file, or makes it. Throws JournalUnavailable where it cannot be. */
export function openFile(file: string): DatabaseSync {
  try {
    // For the owner alone: it names people, applications and addresses.
    closeSync(openSync(file, 'a', 0o600));
    return new DatabaseSync(file, { timeout: blockingWaitMs });
  } catch (error) {
    const known = toJournalError(error);
    if (known instanceof JournalUnavailable) throw known;
    const message = 'The journal cannot be opened. Check that its folder exists and is writable.';
    throw new JournalUnavailable(message, { cause: error });
  }
}

/** Makes the tables where there are none, and sets what holds for this connection. */
export function setUp(database: DatabaseSync, maxBytes = defaultMaxBytes): void {
  // What was answered to a person must be on the disk, even if the machine dies a moment later.
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  database.exec(`PRAGMA max_page_count = ${Math.floor(maxBytes / pageBytes)}`);
  prepareSchema(database);
}
