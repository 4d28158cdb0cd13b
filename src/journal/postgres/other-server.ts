import type { ClientConfig } from 'pg';
import { connect } from './driver.ts';
import type { ByTls } from './driver.ts';
import { toJournalError, toJournalUnavailable } from './errors.ts';

/** A target by its configured name. */
interface Server {
  readonly name: string;
  readonly url: string;
}

interface Apartness {
  /** The target whose server is the journal's own. */
  readonly shared: string | undefined;
  /** Targets of which only the addresses could be compared. */
  readonly unsure: readonly string[];
}

const timeoutMs = 2000;

/**
 * Whether the journal lies in one of the targets, where the incident it is kept for would take it along. A server is known
 * by its system identifier, which a standby shares; where one cannot be read, by host and port. Never throws.
 */
export async function findShared(
  journalUrl: string,
  targets: readonly Server[],
  byTls: ByTls,
): Promise<Apartness> {
  const [own, ...others] = await Promise.all(
    [journalUrl, ...targets.map(({ url }) => url)].map((url) => readIdentifier(url, byTls)),
  );
  const ownAddress = toAddress(journalUrl);
  const unsure: string[] = [];
  for (const [index, { name, url }] of targets.entries()) {
    const other = others[index];
    const isKnown = own !== undefined && other !== undefined;
    if (isKnown ? own === other : ownAddress === toAddress(url)) return { shared: name, unsure };
    if (!isKnown) unsure.push(name);
  }
  return { shared: undefined, unsure };
}

async function readIdentifier(url: string, byTls: ByTls): Promise<string | undefined> {
  try {
    return await byTls(url, readOne);
  } catch {
    // A target that is full or away is this program's subject; then its address has to do.
    return undefined;
  }
}

function readOne(bareUrl: string, ssl: ClientConfig['ssl']): Promise<string> {
  return ask(bareUrl, ssl, 'SELECT system_identifier::text AS answer FROM pg_control_system()');
}

async function ask(bareUrl: string, ssl: ClientConfig['ssl'], statement: string): Promise<string> {
  const client = await connect(bareUrl, ssl, {
    application_name: 'dbconn',
    options: '-c search_path=pg_catalog',
    connectionTimeoutMillis: timeoutMs,
    statement_timeout: timeoutMs,
    lock_timeout: timeoutMs,
    query_timeout: timeoutMs,
  });
  try {
    const { rows } = await client.query<{ answer: string }>(statement);
    return String(rows[0]?.answer);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Without its schema the journal makes it; with it, it writes its tables. */
const mayWrite = /* sql */ `
SELECT CASE WHEN pg_is_in_recovery() THEN 'standby'
            WHEN n.oid IS NULL THEN
              CASE WHEN has_database_privilege(current_database(), 'CREATE') THEN 'yes' ELSE 'no' END
            WHEN has_schema_privilege(n.oid, 'USAGE') AND NOT EXISTS (
              SELECT FROM pg_class c WHERE c.relnamespace = n.oid AND c.relkind = 'r'
                AND NOT (has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT'))) THEN 'yes'
            ELSE 'no' END AS answer
  FROM (SELECT 1) one LEFT JOIN pg_namespace n ON n.nspname = 'dbconn'`;

/** Logs in and asks whether the journal could be written there. Throws JournalUnavailable. Writes nothing. */
export async function mustBeWritable(journalUrl: string, byTls: ByTls): Promise<void> {
  try {
    const answer = await byTls(journalUrl, (bareUrl, ssl) => ask(bareUrl, ssl, mayWrite));
    if (answer === 'standby') throw toJournalUnavailable('25006');
    if (answer !== 'yes') throw toJournalUnavailable('42501');
  } catch (error) {
    throw toJournalError(error);
  }
}

function toAddress(url: string): string {
  const { hostname, port, searchParams } = new URL(url);
  const host = searchParams.get('host') ?? hostname.toLowerCase();
  // A host that begins with a slash is a socket on this machine.
  const isLocal = /^(?:|localhost|\[?::1\]?|127\..*|\/.*)$/.test(host);
  const at = searchParams.get('port') ?? (port === '' ? '5432' : port);
  return `${isLocal ? 'localhost' : host}:${at}`;
}
