import type { DatabaseSync } from 'node:sqlite';
import { JournalUnavailable } from '../runbook/approval/journal-unavailable.ts';

const schemaVersion = 2;

const schema = /* sql */ `
  CREATE TABLE entries (
    seq INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
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

/** Who executes a request, and until when nobody else may: by this machine's clock, in milliseconds. */
const leases = /* sql */ `
  CREATE TABLE leases (request TEXT PRIMARY KEY, holder TEXT NOT NULL, until INTEGER NOT NULL) STRICT;
`;

/** Makes the tables of an empty file. Throws for a file that a later dbconn, or something else, wrote. */
export function prepareSchema(database: DatabaseSync): void {
  // Immediate, so that of two processes that open a new file one makes the tables and the other finds them.
  database.exec('BEGIN IMMEDIATE');
  try {
    const found = database.prepare('PRAGMA user_version').get()?.['user_version'];
    const tables = database.prepare('SELECT count(*) AS n FROM sqlite_master').get()?.['n'];
    if (found === 0 && tables === 0) {
      database.exec(`${schema}; ${leases}; PRAGMA user_version = ${schemaVersion}`);
    } else if (found === 1) {
      database.exec(`${leases}; PRAGMA user_version = ${schemaVersion}`);
    } else if (found !== schemaVersion) {
      throw new JournalUnavailable(
        `The journal has schema version ${String(found)}, and this dbconn knows version ${schemaVersion}. Run the dbconn that wrote it, or name another file as journal.`,
      );
    }
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}
