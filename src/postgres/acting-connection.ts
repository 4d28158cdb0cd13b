import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { toPrivilegedError } from './acting-failure.ts';
import { connectByTls } from './connect-by-tls.ts';
import { isFull, toReachError } from './failure.ts';
import type { Queryable } from './queryable.ts';
import { ownApplication } from './skip-reason.ts';
import type { TlsAttempt } from './tls.ts';

const connectTimeoutMs = 4000;
/** Reading and signalling take milliseconds; where they take this long, nothing is certain any more. */
const statementTimeoutMs = 5000;
/** pg_stat_activity reads catalogs that somebody may have locked. */
const lockTimeoutMs = 1000;

/** On a full server a slot comes free now and then, and whoever asks again soon enough gets it. */
const slotWaitMs = 3000;
const retryMs = 100;

/** Opens a connection as the acting role, for one piece of work. Throws what pg throws, or UnusableUrl. */
async function connectPrivileged(url: string): Promise<Client> {
  const giveUpAt = performance.now() + slotWaitMs;
  for (;;) {
    try {
      return await connectOnce(url);
    } catch (error) {
      if (!isFull(toReachError(error)) || performance.now() >= giveUpAt) throw error;
      await sleep(retryMs);
    }
  }
}

function connectOnce(url: string): Promise<Client> {
  const deadline = performance.now() + connectTimeoutMs;
  return connectByTls(url, async (bareUrl, ssl) => {
    const client = newClient({ url: bareUrl, ssl, withinMs: deadline - performance.now() });
    try {
      await client.connect();
      return client;
    } catch (error) {
      await client.end();
      throw error;
    }
  });
}

/** Work over a connection that is opened for it and closed after. Trouble is thrown as PrivilegedUnavailable. */
export async function withPrivilegedConnection<T>(
  url: string,
  work: (client: Queryable) => Promise<T>,
): Promise<T> {
  let client: Client;
  try {
    client = await connectPrivileged(url);
  } catch (error) {
    throw toPrivilegedError(error);
  }
  try {
    return await work(told(toQueryable(client)));
  } finally {
    await client.end();
  }
}

function toQueryable(client: Client): Queryable {
  return { query: (text, values) => client.query<Record<string, unknown>>(text, [...values]) };
}

/** The same, with what goes wrong in words for the operator. */
function told(client: Queryable): Queryable {
  return {
    query: async (text, values) => {
      try {
        return await client.query(text, values);
      } catch (error) {
        throw toPrivilegedError(error);
      }
    },
  };
}

interface Login {
  readonly url: string;
  readonly ssl: TlsAttempt;
  readonly withinMs: number;
}

function newClient({ url, ssl, withinMs }: Login): Client {
  const client = new Client({
    connectionString: url,
    ssl,
    application_name: ownApplication,
    // Else whoever may create a function in this database runs it as the acting role, under a built-in's name.
    options: '-c search_path=pg_catalog',
    // 0 would mean no limit.
    connectionTimeoutMillis: Math.max(1, withinMs),
    statement_timeout: statementTimeoutMs,
    lock_timeout: lockTimeoutMs,
    // A frozen server keeps no time-out of its own.
    query_timeout: statementTimeoutMs + 1000,
  });
  // A connection lost between two statements makes the next statement fail, and that is reported.
  client.on('error', () => undefined);
  return client;
}
