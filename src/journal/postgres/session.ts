import { Client, DatabaseError } from 'pg';
import type { ClientConfig } from 'pg';
import { JournalUnavailable } from '../../runbook/approvals/journal.ts';

/** SQLSTATEs, by their longest known beginning, that an operator can do something about. */
const sentences = new Map([
  [
    '25006',
    'The journal’s server does not take writes: it is a standby. Name the primary as journal.',
  ],
  ['28', 'The journal’s server refuses dbconn’s role. Check user and password of its address.'],
  ['3D000', 'The journal’s database does not exist. Create it, or name another one as journal.'],
  [
    '42501',
    'dbconn’s role may not write the journal. Let it own the schema dbconn, or grant CREATE on the database.',
  ],
  ['53100', 'The disk under the journal is full. Make room.'],
  [
    '53300',
    'The journal’s server has no connection left. Keep the journal on a server that does not run full.',
  ],
  ['55P03', 'The journal is locked by another process for too long. End whatever holds it.'],
  ['57014', 'The journal’s server answers too slowly. See its log.'],
  ['57P', 'The journal’s server is starting or stopping. Wait, or start it.'],
  ['XX001', 'The journal is damaged. Keep a copy, and run: dbconn journal verify.'],
]);

const unreachable =
  'The journal’s server cannot be reached. Check that it runs, and host and port of its address.';

/** The one place where errors of the journal's server become words. No address and no password is part of them. */
function toPostgresJournalError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof JournalUnavailable) return error;
  if (!(error instanceof DatabaseError)) {
    return isOfConnection(error) ? new JournalUnavailable(unreachable, { cause: error }) : error;
  }
  const { code = '' } = error;
  const known = [5, 3, 2].map((length) => sentences.get(code.slice(0, length)));
  const sentence = known.find((found) => found !== undefined);
  const message = sentence ?? `The journal’s server refused (SQLSTATE ${code}). See its log.`;
  return new JournalUnavailable(message, { cause: error });
}

/** pg names no class for these; the messages are its own, the codes Node's. */
function isOfConnection(error: Error): boolean {
  if ('code' in error && typeof error.code === 'string') return true;
  return /connection|timeout|not queryable|Client was closed/i.test(error.message);
}

export type Row = Readonly<Record<string, unknown>>;
/** One statement; its rows. */
export type Query = (text: string, values?: readonly unknown[]) => Promise<readonly Row[]>;

/** Opens a connection by the ways of TLS that an address allows. */
export type ByTls = <T>(
  url: string,
  open: (bareUrl: string, ssl: ClientConfig['ssl']) => Promise<T>,
) => Promise<T>;

const connectTimeoutMs = 4000;
/** A process that stands still in the middle of a transaction loses it, and with it the lock that others wait for. */
const idleInTransactionMs = 3000;
const lockTimeoutMs = 5000;
/** Longer than the wait for the lock, whose end has a name of its own. */
const statementTimeoutMs = 6000;

/** The one connection to the journal's server: opened when it is needed, used by one transaction at a time. */
export class PostgresSession {
  readonly #url: string;
  readonly #byTls: ByTls;
  #client: Client | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(url: string, byTls: ByTls) {
    this.#url = url;
    this.#byTls = byTls;
  }

  /** Throws JournalUnavailable with what to do about it; then nothing of the work was done. */
  transaction<T>(begin: string, work: (query: Query) => Promise<T>): Promise<T> {
    const turn = this.#last.then(() => this.#within(begin, work));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#drop();
  }

  async #within<T>(begin: string, work: (query: Query) => Promise<T>): Promise<T> {
    try {
      const query = toQuery(await this.#begin(begin));
      const result = await work(query);
      await query('COMMIT');
      return result;
    } catch (error) {
      // Whatever state it is in: the next transaction begins on a fresh one.
      await this.#drop();
      throw toPostgresJournalError(error);
    }
  }

  /** A kept connection may have died since; before BEGIN nothing is lost by trying once more. */
  async #begin(begin: string): Promise<Client> {
    const kept = this.#client;
    if (kept !== undefined) {
      try {
        await kept.query(begin);
        return kept;
      } catch {
        await this.#drop();
      }
    }
    const client = await this.#byTls(this.#url, connect);
    this.#client = client;
    await client.query(begin);
    return client;
  }

  async #drop(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    // A connection that is broken already cannot say goodbye.
    await client?.end().catch(() => undefined);
  }
}

async function connect(bareUrl: string, ssl: ClientConfig['ssl']): Promise<Client> {
  const client = new Client({
    connectionString: bareUrl,
    ...(ssl !== undefined && { ssl }),
    application_name: 'dbconn journal',
    // What was answered to a person must be on the disk; and no function of somebody else's may stand in for a built-in.
    options: `-c search_path=pg_catalog -c synchronous_commit=on -c client_min_messages=warning`,
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: statementTimeoutMs,
    lock_timeout: lockTimeoutMs,
    idle_in_transaction_session_timeout: idleInTransactionMs,
    query_timeout: statementTimeoutMs + 1000,
    keepAlive: true,
  });
  // A connection lost between two transactions makes the next BEGIN fail, and that connects again.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return client;
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
}

function toQuery(client: Client): Query {
  return async (text, values = []) => (await client.query<Row>(text, [...values])).rows;
}
