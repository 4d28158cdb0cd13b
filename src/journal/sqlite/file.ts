import { chmodSync, closeSync, openSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { JournalMoved, JournalUnavailable } from '../../runbook/approvals/journal.ts';
import { unknownVersion } from '../driver.ts';
import { toJournalError } from './errors.ts';

/** Requests that Slack signed, of its last ten minutes. They belong to no chain: they are forgotten. */
const signedRequestsTable = /* sql */ `
  CREATE TABLE heard (hash TEXT PRIMARY KEY, signed_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX heard_at ON heard (signed_at);
`;

const schema = /* sql */ `
  CREATE TABLE entries (
    seq INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    -- The request or the incident it belongs to: an incident's id begins with inc-.
    request TEXT,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
  ) STRICT;
  CREATE INDEX entries_of_request ON entries (request, seq);
  CREATE TRIGGER entries_stay BEFORE UPDATE ON entries
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
  CREATE TRIGGER entries_are_kept BEFORE DELETE ON entries
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;

  -- The present state of each request. It follows from the entries, which name its hash.
  CREATE TABLE requests (
    id TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    data TEXT NOT NULL,
    target TEXT AS (data ->> 'target') VIRTUAL,
    state TEXT AS (data ->> 'state') VIRTUAL,
    version INTEGER AS (data ->> 'version') VIRTUAL
  ) STRICT;
  CREATE INDEX requests_in_state ON requests (state, seq);
  -- Two changes at once on one database: neither could tell what it did.
  CREATE UNIQUE INDEX one_change_at_a_time ON requests (target) WHERE state = 'executing';

  -- The emergency stop: one row, or none.
  CREATE TABLE stop (one INTEGER PRIMARY KEY CHECK (one = 1), data TEXT NOT NULL) STRICT;
`;

/** Who executes a request, and until when nobody else may: by this machine's uptime, in milliseconds. */
const leases = /* sql */ `
  CREATE TABLE leases (request TEXT PRIMARY KEY, holder TEXT NOT NULL, until INTEGER NOT NULL) STRICT;
`;

/** The present state of each incident, which follows from the entries too, and an index for the requests of one. */
const incidents = /* sql */ `
  CREATE TABLE incidents (
    id TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    data TEXT NOT NULL,
    target TEXT AS (data ->> 'target') VIRTUAL,
    state TEXT AS (data ->> 'state') VIRTUAL,
    version INTEGER AS (data ->> 'version') VIRTUAL
  ) STRICT;
  CREATE INDEX incidents_in_state ON incidents (state, seq);
  CREATE INDEX incidents_of_target ON incidents (target, state, seq);
  CREATE UNIQUE INDEX one_open_incident ON incidents (target) WHERE state = 'open';
  CREATE INDEX requests_of_target ON requests (target, data ->> 'proposedAt');
`;

/** What a check whether the record is true finds them by, and leases that no clock decides. */
const truth = /* sql */ `
  -- Which start of the machine the time of a lease counts from.
  ALTER TABLE leases ADD COLUMN boot TEXT NOT NULL DEFAULT '';
  CREATE INDEX entries_that_propose ON entries (request, seq) WHERE kind = 'proposed';
  CREATE INDEX entries_in_turn ON entries (seq) WHERE kind = 'proposed';
  CREATE INDEX entries_of_stop ON entries (seq) WHERE kind IN ('stopped', 'go');
`;

/**
 * What the journal's clock is ahead of the machine's uptime, while an incident is open and some time after: one row, or
 * none. `quiet` is the uptime at which the last one ended.
 */
const steady = /* sql */ `
  CREATE TABLE clock (one INTEGER PRIMARY KEY CHECK (one = 1), boot TEXT NOT NULL, ahead INTEGER NOT NULL,
    quiet INTEGER) STRICT;
`;

/** What each version added to the one before, from the first on. */
const versions = [schema, leases, incidents, signedRequestsTable, truth, steady];

/** Makes the tables that a file does not have yet, in a transaction. Throws for one that a later dbconn, or something else, wrote. */
export function prepareSqliteSchema(database: DatabaseSync): void {
  const found = database.prepare('PRAGMA user_version').get()?.['user_version'];
  const tables = database.prepare('SELECT count(*) AS n FROM sqlite_master').get()?.['n'];
  const isEmpty = found === 0 && tables === 0;
  if (typeof found !== 'number' || (found < 1 && !isEmpty) || found > versions.length) {
    throw unknownVersion(found, versions.length, 'file');
  }
  for (const missing of versions.slice(found)) database.exec(missing);
  if (found < versions.length) database.exec(`PRAGMA user_version = ${versions.length}`);
}

/** Throws unless this dbconn would change nothing in the tables: what only reads brings no journal up to date. */
export function mustBeCurrent(database: DatabaseSync): void {
  const found = database.prepare('PRAGMA user_version').get()?.['user_version'];
  if (found !== versions.length) throw unknownVersion(found, versions.length, 'file');
}

const pageBytes = 4096;
const defaultMaxBytes = 1024 ** 3;
/** SQLite's own waiting blocks the whole process, so it is kept to a blink and the rest is waited by the caller. */
const blockingWaitMs = 20;

interface FileOptions {
  /** Then SQLite refuses every write, no journal is made and no mode is changed. */
  readonly readsOnly: boolean;
  /** Hears whom the file was open to. */
  readonly warn: (sentence: string) => void;
}

/** Opens the file, or makes it. Throws JournalUnavailable where it cannot be. */
export function openFile(file: string, { readsOnly, warn }: FileOptions): DatabaseSync {
  try {
    if (readsOnly) {
      mustBeFile(file);
      return new DatabaseSync(file, { readOnly: true, timeout: blockingWaitMs });
    }
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
  const found = mustBeFile(path);
  if (found === undefined) return;
  const mode = found.mode & 0o777;
  if ((mode & 0o077) === 0) return;
  const open = `Others on this machine had access to ${path} (mode 0${mode.toString(8)})`;
  try {
    chmodSync(path, 0o600);
    warn(`${open}; now only its owner has.`);
  } catch (error) {
    // Anybody who may write it could write votes into it. Reading may be meant, by its owner's group.
    if ((mode & 0o022) === 0) return;
    const advice = 'Let its owner run: chmod 600 on it.';
    throw new JournalUnavailable(`${open}, and dbconn may not change that. ${advice}`, {
      cause: error,
    });
  }
}

/** Undefined where there is nothing of that name. */
function mustBeFile(path: string): Stats | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  // Opening a named pipe would wait for ever, and a mount whose source is missing is a folder.
  if (found === undefined || found.isFile()) return found;
  const advice = 'Name a file in a writable folder as journal.';
  throw new JournalUnavailable(`${path} is not a regular file. ${advice}`);
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

/** For this connection. */
export function setUp(database: DatabaseSync, maxBytes = defaultMaxBytes): void {
  // What was answered to a person must be on the disk, even if the machine dies a moment later.
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  database.exec(`PRAGMA max_page_count = ${Math.floor(maxBytes / pageBytes)}`);
}
