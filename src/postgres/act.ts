import { Client } from 'pg';
import type { Acting, ActingSession } from '../runbook/ports.ts';
import { toActingError } from './acting-failure.ts';
import { isFull, toReachError } from './failure.ts';
import type { Queryable } from './queryable.ts';
import { readRemainingSessions } from './read-remaining-sessions.ts';
import { readTerminateCandidates } from './read-terminate-candidates.ts';
import { ownApplication } from './spare-reason.ts';
import { terminateSessions } from './terminate-sessions.ts';
import { connectByTls } from './connect-by-tls.ts';
import type { TlsAttempt } from './tls.ts';

export interface ActingOptions {
  /** A role with pg_monitor and pg_signal_backend; a superuser where the application is one. */
  readonly url: string;
  /** The lifeline's connection, lent when the server has no slot for a new one. It does what its own role may. */
  readonly lend?: <T>(work: (client: Queryable) => Promise<T>) => Promise<T>;
}

const connectTimeoutMs = 4000;
/** Reading and signalling take milliseconds; where they take this long, nothing is certain any more. */
const statementTimeoutMs = 5000;
/** pg_stat_activity reads catalogs that somebody may have locked. */
const lockTimeoutMs = 1000;

/** Opens a connection for each piece of work and closes it after. */
export function createActing({ url, lend }: ActingOptions): Acting {
  return {
    async act(work) {
      let client: Client;
      try {
        client = await connectToAct(url);
      } catch (error) {
        if (lend === undefined || !isFull(toReachError(error))) throw toActingError(error);
        return lend((lent) => work(sessionOn(lent)));
      }
      try {
        return await work(sessionOn(toQueryable(client)));
      } finally {
        await client.end();
      }
    },
  };
}

function connectToAct(url: string): Promise<Client> {
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

interface Way {
  readonly url: string;
  readonly ssl: TlsAttempt;
  readonly withinMs: number;
}

function newClient({ url, ssl, withinMs }: Way): Client {
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

function toQueryable(client: Client): Queryable {
  return { query: (text, values) => client.query<Record<string, unknown>>(text, [...values]) };
}

function sessionOn(client: Queryable): ActingSession {
  const told: Queryable = {
    query: async (text, values) => {
      try {
        return await client.query(text, values);
      } catch (error) {
        throw toActingError(error);
      }
    },
  };
  return {
    readTerminateCandidates: (query) => readTerminateCandidates(told, query),
    terminateSessions: (sessions, guard) => terminateSessions(told, sessions, guard),
    readRemainingSessions: (sessions) => readRemainingSessions(told, sessions),
  };
}
