import { Client } from 'pg';
import type { ClientConfig } from 'pg';
import { toPostgresJournalError } from './postgres-failure.ts';

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
