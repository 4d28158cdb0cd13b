import type { DatabaseSync } from 'node:sqlite';
import { JournalUnavailable } from '../runbook/approval/journal-unavailable.ts';
import { signedRequestsTable } from './sqlite-heard.ts';

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

/** What a look at whether the record is true finds them by, and leases that no clock decides. */
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

/** Makes the tables that a file does not have yet. Throws for a file that a later dbconn, or something else, wrote. */
export function prepareSchema(database: DatabaseSync): void {
  // Immediate, so that of two processes that open a new file one makes the tables and the other finds them.
  database.exec('BEGIN IMMEDIATE');
  try {
    const found = database.prepare('PRAGMA user_version').get()?.['user_version'];
    const tables = database.prepare('SELECT count(*) AS n FROM sqlite_master').get()?.['n'];
    const isEmpty = found === 0 && tables === 0;
    if (typeof found !== 'number' || (found < 1 && !isEmpty) || found > versions.length) {
      throw new JournalUnavailable(
        `The journal has schema version ${String(found)}, and this dbconn knows version ${versions.length}. Run the dbconn that wrote it, or name another file as journal.`,
      );
    }
    for (const missing of versions.slice(found)) database.exec(missing);
    if (found < versions.length) database.exec(`PRAGMA user_version = ${versions.length}`);
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}
