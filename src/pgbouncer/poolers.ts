import { Socket } from 'node:net';
import { Client, DatabaseError } from 'pg';
import { z } from 'zod';
import { connectByTls } from '../postgres/connect/connect-by-tls.ts';
import type { TlsAttempt } from '../postgres/connect/connect-by-tls.ts';
import { PostgresTimeout, toReachError } from '../postgres/failure.ts';
import type { PoolerReading } from '../runbook/snapshot/readings.ts';
import type { PoolerSnapshot, Problem } from '../runbook/snapshot/snapshot.ts';
import type { Poolers } from '../runbook/snapshot/take-snapshot.ts';
import { toClientCount } from './rows.ts';
import { toReading } from './to-reading.ts';

/** In words for the operator; no address and nothing that PgBouncer said is repeated. */
function toProblem(error: unknown): Problem {
  const fix = 'Point pgbouncer.url at its database "pgbouncer", as a user of stats_users.';
  // A PostgreSQL has no settings of these names; what answers otherwise is another program still.
  if (error instanceof z.ZodError || (error instanceof DatabaseError && error.code === '42704')) {
    const summary = 'What answers there is not the console of a PgBouncer.';
    return { kind: 'invalid', summary, fix };
  }
  const { kind } = toReachError(error);
  if (kind === 'frozen') {
    return {
      kind: 'timeout',
      summary: 'PgBouncer does not answer.',
      fix: 'Check whether it is stopped or out of CPU time.',
    };
  }
  if (kind === 'full') {
    return {
      kind: 'unreachable',
      summary: 'PgBouncer accepts no more clients, not even on its console.',
      fix: 'Raise max_client_conn, or check who opens so many connections to it.',
    };
  }
  // Its refusals have no SQLSTATE that says why.
  return error instanceof DatabaseError
    ? { kind: 'forbidden', summary: "PgBouncer refuses dbconn's login.", fix }
    : {
        kind: 'unreachable',
        summary: 'PgBouncer cannot be reached.',
        fix: 'Check whether it runs, and whether its address and port are right.',
      };
}

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
