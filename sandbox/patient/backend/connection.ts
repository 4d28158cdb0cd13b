import { Client, escapeLiteral } from 'pg';
import type { QueryResult } from 'pg';
import type { Connector } from './queue-pool.ts';
import { LocalSocket } from './local-socket.ts';

interface ConnectionSettings {
  readonly url: string;
  readonly applicationName: string;
  /** The loopback address to connect from, so that every process is a client address of its own as a container is. */
  readonly localAddress: string | undefined;
}

/** A psycopg2-like connection: literals are part of the text, a transaction begins with the first statement. */
export interface Connection {
  execute(sql: string, ...values: readonly (string | number)[]): Promise<QueryResult>;
  /** Outside of any transaction, as with AUTOCOMMIT. */
  executeAutocommit(sql: string, ...values: readonly (string | number)[]): Promise<QueryResult>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
  close(): Promise<void>;
  readonly broken: boolean;
}

/** Connections are refused for good after this, as with psycopg2's connect_timeout. */
const connectTimeoutMs = 5000;

export function createConnector(settings: ConnectionSettings): Connector<Connection> {
  return {
    open: () => openConnection(settings),
    reset: (connection) => connection.rollback(),
    close: (connection) => connection.close(),
    isBroken: (connection) => connection.broken,
  };
}

/** The statement as psycopg2 sends it: `%s` replaced by escaped literals on the client's side. */
function inline(sql: string, values: readonly (string | number)[]): string {
  const rest = [...values];
  return sql.replaceAll('%s', () => {
    const value = rest.shift();
    if (value === undefined) throw new Error(`A value is missing for: ${sql}`);
    return typeof value === 'number' ? String(value) : escapeLiteral(value);
  });
}

async function openConnection(settings: ConnectionSettings): Promise<Connection> {
  const client = new Client({
    connectionString: settings.url,
    application_name: settings.applicationName,
    connectionTimeoutMillis: connectTimeoutMs,
    stream: () => new LocalSocket(settings.localAddress),
  });
  let broken = false;
  let inTransaction = false;
  const markBroken = (): void => {
    broken = true;
  };
  client.on('error', markBroken).on('end', markBroken);
  await client.connect();
  const finish = async (verb: 'COMMIT' | 'ROLLBACK'): Promise<void> => {
    if (!inTransaction) return;
    await client.query(verb);
    inTransaction = false;
  };
  return {
    async execute(sql, ...values) {
      if (!inTransaction) await client.query('BEGIN');
      inTransaction = true;
      return client.query(inline(sql, values));
    },
    executeAutocommit: (sql, ...values) => client.query(inline(sql, values)),
    commit: () => finish('COMMIT'),
    rollback: () => finish('ROLLBACK'),
    close: () => client.end(),
    get broken() {
      return broken;
    },
  };
}
