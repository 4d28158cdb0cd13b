import { chmodSync, closeSync, openSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { JournalMoved } from '../runbook/approval/journal-moved.ts';
import { JournalUnavailable } from '../runbook/approval/journal-unavailable.ts';
import { toJournalError } from './failure.ts';
import { prepareSchema } from './schema.ts';

const pageBytes = 4096;
const defaultMaxBytes = 1024 ** 3;
/** SQLite's own waiting blocks the whole process, so it is kept to a blink and the rest is waited by the caller. */
const blockingWaitMs = 20;

/** Opens the file, or makes it. Throws JournalUnavailable where it cannot be; `warn` hears whom it was open to. */
export function openFile(file: string, warn: (sentence: string) => void): DatabaseSync {
  try {
    for (const name of ['', '-wal', '-shm', '-journal']) keepToOwner(`${file}${name}`, warn);
    // For the owner alone: it names people, applications and addresses.
    closeSync(openSync(file, 'a', 0o600));
    return new DatabaseSync(file, { timeout: blockingWaitMs });
  } catch (error) {
    const known = toJournalError(error);
    if (known instanceof JournalUnavailable) throw known;
    const why = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    const advice = 'Check that its folder exists and that dbconn may write there.';
    throw new JournalUnavailable(`The journal cannot be opened${why}. ${advice}`, { cause: error });
  }
}

/** SQLite gives the files beside it the mode it has, and opens those that are there already. */
function keepToOwner(path: string, warn: (sentence: string) => void): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  // Opening a named pipe would wait for ever, and a mount whose source is missing is a folder.
  if (!found.isFile()) {
    const advice = 'Name a file in a writable folder as journal.';
    throw new JournalUnavailable(`${path} is not a regular file. ${advice}`);
  }
  const mode = found.mode & 0o777;
  if ((mode & 0o077) === 0) return;
  const open = `Others on this machine had access to ${path} (mode 0${mode.toString(8)})`;
  try {
    chmodSync(path, 0o600);
    warn(`${open}; now only its owner has.`);
  } catch (error) {
    // Whoever may write it could write votes into it. Reading may be meant, by its owner's group.
    if ((mode & 0o022) === 0) return;
    const advice = 'Let its owner run: chmod 600 on it.';
    throw new JournalUnavailable(`${open}, and dbconn may not change that. ${advice}`, {
      cause: error,
    });
  }
}

/**
 * What throws JournalMoved once the file, or the log beside it that holds the newest entries, is not the one that was
 * opened: an open file outlives its name, and everything would go on, recorded where nobody finds it.
 */
export function watchFile(file: string): () => void {
  const paths = [file, `${file}-wal`].map((path) => resolve(path));
  const opened = paths.map(identityOf);
  return () => {
    if (paths.every((path, index) => identityOf(path) === opened[index])) return;
    throw new JournalMoved('The journal’s file was moved, removed or replaced under dbconn.');
  };
}

/** Undefined where nothing can be found under that name. */
function identityOf(path: string): string | undefined {
  try {
    const found = statSync(path, { bigint: true, throwIfNoEntry: false });
    return found && `${found.dev}:${found.ino}`;
  } catch {
    return undefined; // A folder on the way may not be entered any more: gone, as far as dbconn can tell.
  }
}

/** Makes the tables where there are none, and sets what holds for this connection. */
export function setUp(database: DatabaseSync, maxBytes = defaultMaxBytes): void {
  // What was answered to a person must be on the disk, even if the machine dies a moment later.
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  database.exec(`PRAGMA max_page_count = ${Math.floor(maxBytes / pageBytes)}`);
  prepareSchema(database);
}
