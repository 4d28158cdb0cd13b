import { Client } from 'pg';
import type { ClientConfig } from 'pg';
import { JournalMoved, JournalUnavailable } from '../../runbook/approvals/journal.ts';
import { createTurns } from '../../timing.ts';
import { longestLeaseMs, onlyRead } from '../driver.ts';
import type { Dialect, Driver, Query, Row, Transaction, Work } from '../driver.ts';
import { StoredJournal } from '../stored-journal.ts';
import { toJournalError } from './errors.ts';
import { mustBeCurrent, preparePostgresSchema, readIdentity } from './schema.ts';

/** Opens a connection by the ways of TLS that an address allows. */
export type ByTls = <T>(
  url: string,
  open: (bareUrl: string, ssl: ClientConfig['ssl']) => Promise<T>,
) => Promise<T>;

export async function connect(
  bareUrl: string,
  ssl: ClientConfig['ssl'],
  config: ClientConfig,
): Promise<Client> {
  const client = new Client({
    connectionString: bareUrl,
    ...(ssl !== undefined && { ssl }),
    ...config,
  });
  // A connection lost between two statements makes the next one fail, and that is enough.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return client;
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
}

const connectTimeoutMs = 4000;
/** A process that stands still in the middle of a transaction loses it, and with it the lock that others wait for. */
const idleInTransactionMs = 3000;
const lockTimeoutMs = 5000;
/** Longer than the wait for the lock, whose end has a name of its own. */
const statementTimeoutMs = 6000;

interface PostgresJournalOptions {
  readonly url: string;
  readonly byTls: ByTls;
  /** A journal that grows beyond this refuses: better than a disk it shares with others running full. */
  readonly maxBytes?: number;
  /** Nothing is made, brought up to date or written. */
  readonly readsOnly?: boolean | undefined;
}

const defaultMaxBytes = 1024 ** 3;
/** Any number that nobody else's advisory locks have: the bytes of "dbconn". */
const lockKey = 0x64_62_63_6f_6e_6e;

/** The journal in the schema `dbconn` of a PostgreSQL that several replicas share. Its server's clock rules. */
export async function openPostgresJournal(options: PostgresJournalOptions): Promise<StoredJournal> {
  return StoredJournal.open(new PostgresDriver(options));
}

const dialect: Dialect = {
  sha256OfData: "encode(sha256(convert_to(data, 'UTF8')), 'hex')",
  hasWrittenColumns: true,
  optionOfRequest: 'option',
  endOfRequest: 'ended_at',
  beginningOfIncident: 'opened_at',
  lease: {
    columns: 'until',
    values: "clock_timestamp() + $1 * interval '1 millisecond'",
    stands: `until > clock_timestamp() AND until < clock_timestamp() + ${longestLeaseMs} * interval '1 millisecond'`,
  },
};

/** The one connection to the journal's server: opened when it is needed, used by one transaction at a time. */
class PostgresDriver implements Driver {
  readonly #options: PostgresJournalOptions;
  readonly #turns = createTurns(1);
  #client: Client | undefined;
  /** Which database's tables it opened. */
  #opened: string | undefined;

  constructor(options: PostgresJournalOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    if (this.#options.readsOnly === true) {
      this.#opened = await this.read(async ({ query }) => {
        await mustBeCurrent(query);
        return readIdentity(query);
      });
      return;
    }
    this.#opened = await this.write(async ({ query }) => {
      await preparePostgresSchema(query);
      return readIdentity(query);
    });
  }

  read<T>(work: Work<T>): Promise<T> {
    return this.#transaction('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', async (tx) => {
      await this.#mustBeThere(tx);
      return work(tx);
    });
  }

  /** All writers wait here for each other, so that each statement after it sees what the one before has written. */
  write<T>(work: Work<T>): Promise<T> {
    if (this.#options.readsOnly === true) return Promise.reject(onlyRead());
    return this.#transaction('BEGIN', async (tx) => {
      await tx.query('SELECT pg_advisory_xact_lock($1)', [lockKey]);
      await this.#mustBeThere(tx);
      return work(tx);
    });
  }

  close(): Promise<void> {
    return this.#turns.take(() => this.#drop());
  }

  /** Throws JournalUnavailable with what to do about it; then nothing of the work was done. */
  #transaction<T>(begin: string, work: Work<T>): Promise<T> {
    return this.#turns.take(async () => {
      try {
        const tx = toTransaction(await this.#begin(begin), this.#options);
        const result = await work(tx);
        await tx.query('COMMIT');
        return result;
      } catch (error) {
        // Whatever state it is in: the next transaction begins on a fresh one.
        await this.#drop();
        throw toJournalError(error);
      }
    });
  }

  /** An address may lead to another database from one connection to the next. */
  async #mustBeThere({ query }: Transaction): Promise<void> {
    if (this.#opened === undefined || (await readIdentity(query)) === this.#opened) return;
    throw new JournalMoved('The journal’s tables are not those that dbconn opened.');
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
    const client = await this.#options.byTls(this.#options.url, connectForJournal);
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

function connectForJournal(bareUrl: string, ssl: ClientConfig['ssl']): Promise<Client> {
  return connect(bareUrl, ssl, {
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
}

function toTransaction(
  client: Client,
  { maxBytes = defaultMaxBytes }: PostgresJournalOptions,
): Transaction {
  const query: Query = async (statement, values = []) =>
    (await client.query<Row>(statement, [...values])).rows;
  const readNow = async (): Promise<number> => {
    const [row] = await query('SELECT extract(epoch FROM clock_timestamp()) * 1000 AS now');
    return Math.round(Number(row?.['now']));
  };
  return {
    ...dialect,
    query,
    readNow,
    /** Not before the last entry of an open incident, to wherever the server's clock was set since. */
    async readTime() {
      const nowMs = await readNow();
      const [row] = await query(
        `SELECT max(at) AS last FROM dbconn.entries WHERE request IN
           (SELECT id FROM dbconn.incidents WHERE state IN ('open', 'merged'))`,
      );
      const last = row?.['last'];
      return typeof last === 'string'
        ? { nowMs: Math.max(nowMs, Date.parse(last)), isSteady: false }
        : { nowMs, isSteady: true };
    },
    async stamp() {
      const [row] = await query(
        `SELECT pg_total_relation_size('dbconn.entries') AS bytes,
           to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at`,
      );
      if (Number(row?.['bytes']) <= maxBytes) return String(row?.['at']);
      throw new JournalUnavailable(
        'The journal is full: it has come to its own bound. Name a new database.',
      );
    },
  };
}
