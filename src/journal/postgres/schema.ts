import { unknownVersion } from '../driver.ts';
import type { Query } from '../driver.ts';

/** Requests that Slack signed, of its last ten minutes. They belong to no chain: they are forgotten. */
const signedRequestsTable: readonly string[] = [
  'CREATE TABLE dbconn.heard (hash text PRIMARY KEY, signed_at bigint NOT NULL)',
  'CREATE INDEX heard_at ON dbconn.heard (signed_at)',
];

const tables: readonly string[] = [
  'CREATE TABLE dbconn.schema_version (version integer NOT NULL)',
  'INSERT INTO dbconn.schema_version VALUES (1)',
  // `request` names the request or the incident it belongs to: an incident's id begins with inc-.
  // Text, not jsonb: a body is kept byte for byte as it was hashed. No two entries follow the same one.
  `CREATE TABLE dbconn.entries (
     seq bigint PRIMARY KEY, at text NOT NULL, request text, kind text NOT NULL, body text NOT NULL,
     previous text NOT NULL UNIQUE, hash text NOT NULL)`,
  'CREATE INDEX entries_of_request ON dbconn.entries (request, seq)',
  `CREATE FUNCTION dbconn.stay() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog
     AS $$ BEGIN RAISE EXCEPTION 'the journal is append-only'; END $$`,
  `CREATE TRIGGER entries_stay BEFORE UPDATE OR DELETE ON dbconn.entries
     FOR EACH ROW EXECUTE FUNCTION dbconn.stay()`,
  `CREATE TRIGGER entries_are_kept BEFORE TRUNCATE ON dbconn.entries
     FOR EACH STATEMENT EXECUTE FUNCTION dbconn.stay()`,
  // The present state of each request; the columns beside \`data\` repeat what is in it.
  `CREATE TABLE dbconn.requests (
     id text PRIMARY KEY, seq bigint NOT NULL, data text NOT NULL, target text NOT NULL, option text NOT NULL,
     state text NOT NULL, version integer NOT NULL, ended_at text)`,
  'CREATE INDEX requests_in_state ON dbconn.requests (state, seq)',
  // Two changes at once on one database: neither could tell what it did.
  `CREATE UNIQUE INDEX one_change_at_a_time ON dbconn.requests (target) WHERE state = 'executing'`,
  'CREATE TABLE dbconn.stop (one integer PRIMARY KEY CHECK (one = 1), data text NOT NULL)',
  `CREATE TABLE dbconn.leases (
     request text PRIMARY KEY, holder text NOT NULL, until timestamptz NOT NULL)`,
];

const incidents: readonly string[] = [
  // The present state of each incident, as with requests.
  `CREATE TABLE dbconn.incidents (
     id text PRIMARY KEY, seq bigint NOT NULL, data text NOT NULL, target text NOT NULL, state text NOT NULL,
     version integer NOT NULL, opened_at text NOT NULL)`,
  'CREATE INDEX incidents_in_state ON dbconn.incidents (state, seq)',
  'CREATE INDEX incidents_of_target ON dbconn.incidents (target, state, seq)',
  `CREATE UNIQUE INDEX one_open_incident ON dbconn.incidents (target) WHERE state = 'open'`,
  // An expression, not a column: a replica of the version before goes on writing requests while this one is upgraded.
  `CREATE INDEX requests_of_target ON dbconn.requests (target, ((data::json) ->> 'proposedAt'))`,
];

/** What a check whether the record is true finds them by. */
const truth: readonly string[] = [
  `CREATE INDEX entries_that_propose ON dbconn.entries (request, seq) WHERE kind = 'proposed'`,
  `CREATE INDEX entries_in_turn ON dbconn.entries (seq) WHERE kind = 'proposed'`,
  `CREATE INDEX entries_of_stop ON dbconn.entries (seq) WHERE kind IN ('stopped', 'go')`,
];

/** What each version added to the one before, from the first on. */
const versions = [tables, incidents, signedRequestsTable, truth];

/** Makes the tables that are not there yet. In a transaction that holds the journal's lock. */
export async function preparePostgresSchema(query: Query): Promise<void> {
  const found = await readVersion(query);
  if (found > versions.length || found < 0)
    throw unknownVersion(found, versions.length, 'database');
  for (const statement of versions.slice(found).flat()) await query(statement);
  if (found < versions.length) {
    await query('UPDATE dbconn.schema_version SET version = $1', [versions.length]);
  }
}

/** Throws unless this dbconn would change nothing in the tables: what only reads brings no journal up to date. */
export async function mustBeCurrent(query: Query): Promise<void> {
  const found = await readKnownVersion(query);
  if (found !== versions.length) throw unknownVersion(found ?? 0, versions.length, 'database');
}

/** Of server, database and table: the same after a failover, another one in a copy, a restored dump or another database. */
export async function readIdentity(query: Query): Promise<string> {
  const [row] = await query(
    `SELECT concat_ws('/', (SELECT system_identifier FROM pg_control_system()),
       (SELECT oid FROM pg_database WHERE datname = current_database()),
       to_regclass('dbconn.entries')::oid) AS identity`,
  );
  return String(row?.['identity']);
}

/** 0 where there are no tables; then the schema they belong to is there afterwards. */
async function readVersion(query: Query): Promise<number> {
  const known = await readKnownVersion(query);
  if (known !== undefined) return known;
  const [found] = await query(
    "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'dbconn') AS schema",
  );
  // A role that owns the schema need not have the right to make one.
  if (found?.['schema'] !== true) await query('CREATE SCHEMA dbconn');
  return 0;
}

/** Undefined where there are no tables. */
async function readKnownVersion(query: Query): Promise<number | undefined> {
  const [found] = await query("SELECT to_regclass('dbconn.schema_version') IS NOT NULL AS made");
  if (found?.['made'] !== true) return undefined;
  const [row] = await query('SELECT version FROM dbconn.schema_version');
  return Number(row?.['version'] ?? -1);
}
