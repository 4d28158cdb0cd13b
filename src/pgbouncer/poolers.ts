import { Socket } from 'node:net';
import { Client } from 'pg';
import { connectByTls } from '../postgres/connect-by-tls.ts';
import { PostgresTimeout } from '../postgres/failure.ts';
import type { TlsAttempt } from '../postgres/tls.ts';
import type { PoolerReading } from '../runbook/diagnose/pooler-reading.ts';
import type { PoolerSnapshot } from '../runbook/snapshot/snapshot.ts';
import type { Poolers } from '../runbook/ports/pooler.ts';
import { toClientCount } from './rows.ts';
import { toProblem } from './to-problem.ts';
import { toReading } from './to-reading.ts';

/** PgBouncer answers its console in milliseconds; one that takes longer is stopped or gone. */
const budgetMs = 2000;
/** To list more clients costs PgBouncer's only thread more than knowing who they are is worth. */
const mostClients = 10_000;

interface PoolerConsole {
  readonly name: string;
  /** Of the database `pgbouncer`, as a user of stats_users. */
  readonly url: string;
  /** How many PgBouncers with these settings there are behind this address. */
  readonly replicas: number;
}

interface PoolersOptions {
  readonly consoles: readonly PoolerConsole[];
  /** For all of it together; 2 s unless given. */
  readonly withinMs?: number;
}

/** Reads the admin consoles, each over a connection that is opened for it and closed after. */
export function createPoolers({ consoles, withinMs = budgetMs }: PoolersOptions): Poolers {
  return {
    async readPoolers() {
      const began = performance.now();
      const value = await Promise.all(consoles.map((one) => readConsole(one, began + withinMs)));
      return { ok: true, tookMs: performance.now() - began, value };
    },
  };
}

async function readConsole(
  { name, url, replicas }: PoolerConsole,
  deadline: number,
): Promise<PoolerSnapshot> {
  const began = performance.now();
  const tookMs = (): number => performance.now() - began;
  try {
    const reading = await connectByTls(url, (bareUrl, ssl) => queryConsole(bareUrl, ssl, deadline));
    return { name, replicas, tookMs: tookMs(), reading };
  } catch (error) {
    return { name, replicas, tookMs: tookMs(), problem: toProblem(error) };
  }
}

async function queryConsole(
  url: string,
  ssl: TlsAttempt,
  deadline: number,
): Promise<PoolerReading> {
  // Our own socket: pg cannot hang up on a server that does not answer.
  const socket = new Socket();
  const client = new Client({
    connectionString: url,
    application_name: 'dbconn',
    ssl,
    stream: () => socket,
  });
  client.on('error', () => socket.destroy());
  const leftMs = Math.max(1, deadline - performance.now());
  const hangUp = (): void => {
    socket.destroy(new PostgresTimeout('PgBouncer', leftMs, !socket.connecting));
  };
  const late = setTimeout(hangUp, leftMs);
  // The console knows the simple protocol only: a text without values is sent by that.
  const show = async (what: string): Promise<Record<string, unknown>[]> =>
    (await client.query<Record<string, unknown>>(`SHOW ${what}`)).rows;
  try {
    await client.connect();
    const version = await show('VERSION');
    const config = await show('CONFIG');
    const lists = await show('LISTS');
    const databases = await show('DATABASES');
    const users = await show('USERS');
    const pools = await show('POOLS');
    const servers = await show('SERVERS');
    const clients = toClientCount(lists) > mostClients ? null : await show('CLIENTS');
    return toReading({ version, config, lists, databases, users, pools, servers, clients });
  } finally {
    clearTimeout(late);
    socket.destroy();
  }
}
