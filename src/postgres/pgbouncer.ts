import { Socket } from 'node:net';
import { Client, DatabaseError } from 'pg';
import { z } from 'zod';
import type { Part, Problem } from '../runbook/diagnose/snapshot.ts';
import type { Pooler, PoolerReading } from '../runbook/ports/pooler.ts';
import { connectByTls } from './connect-by-tls.ts';
import { PostgresTimeout, toReachError } from './failure.ts';
import type { TlsAttempt } from './tls.ts';

/** PgBouncer answers its console in microseconds; one that takes longer is stopped or gone. */
const budgetMs = 4000;
const mostPools = 50;
/** The name of its console, and of the user it reports that console under. */
const console_ = 'pgbouncer';

/** PgBouncer's texts are numbers since 1.0 and columns come and go: read by name, never by place. */
const figure = z.coerce.number();
const PoolRow = z.object({
  database: z.string(),
  user: z.string(),
  cl_active: figure,
  cl_waiting: figure,
  sv_active: figure,
  sv_idle: figure,
  maxwait: figure.default(0),
  /** Since 1.8: microseconds on top. */
  maxwait_us: figure.default(0),
  pool_mode: z.string().nullable().default(null),
});
const ConfigRow = z.object({ key: z.string(), value: z.string().nullable() });

export interface PoolerOptions {
  /** Of the database `pgbouncer`, as a user of stats_users. */
  readonly url: string;
  /** For all of it together; 4 s unless given. */
  readonly withinMs?: number;
}

/** Reads a PgBouncer's admin console, over a connection that is opened for it and closed after. */
export function createPooler({ url, withinMs = budgetMs }: PoolerOptions): Pooler {
  return {
    async readPooler(): Promise<Part<PoolerReading>> {
      const began = performance.now();
      const tookMs = (): number => performance.now() - began;
      try {
        const value = await readConsole(url, began + withinMs);
        return { ok: true, tookMs: tookMs(), value };
      } catch (error) {
        return { ok: false, tookMs: tookMs(), problem: toProblem(error) };
      }
    },
  };
}

function readConsole(url: string, deadline: number): Promise<PoolerReading> {
  return connectByTls(url, (bareUrl, ssl) => askConsole(bareUrl, ssl, deadline));
}

async function askConsole(url: string, ssl: TlsAttempt, deadline: number): Promise<PoolerReading> {
  // Our own socket, for pg has no way to hang up on whoever does not answer.
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
  try {
    await client.connect();
    // The console knows the simple protocol only: a text without values is sent by that.
    const version = await client.query<Record<string, unknown>>('SHOW VERSION');
    const config = await client.query<Record<string, unknown>>('SHOW CONFIG');
    const pools = await client.query<Record<string, unknown>>('SHOW POOLS');
    return toReading({ version: version.rows, config: config.rows, pools: pools.rows });
  } finally {
    clearTimeout(late);
    socket.destroy();
  }
}

interface Shown {
  readonly version: readonly Record<string, unknown>[];
  readonly config: readonly Record<string, unknown>[];
  readonly pools: readonly Record<string, unknown>[];
}

function toReading({ version, config, pools }: Shown): PoolerReading {
  const settings = new Map(
    z
      .array(ConfigRow)
      .parse(config)
      .map(({ key, value }) => [key, value] as const),
  );
  const number = (key: string): number => figure.catch(0).parse(settings.get(key));
  const poolMode = settings.get('pool_mode') ?? 'session';
  const rows = z
    .array(PoolRow)
    .parse(pools)
    .filter(({ database }) => database !== console_);
  return {
    version: z
      .string()
      .catch('PgBouncer')
      .parse(Object.values(version[0] ?? {})[0]),
    poolMode,
    maxClientConnections: number('max_client_conn'),
    defaultPoolSize: number('default_pool_size'),
    maxDatabaseConnections: number('max_db_connections'),
    pools: rows
      .map((row) => ({
        database: row.database,
        user: row.user,
        mode: row.pool_mode ?? poolMode,
        clientsActive: row.cl_active,
        clientsWaiting: row.cl_waiting,
        serversActive: row.sv_active,
        serversIdle: row.sv_idle,
        longestWaitSeconds: row.maxwait + row.maxwait_us / 1_000_000,
      }))
      .toSorted((a, b) => b.clientsWaiting - a.clientsWaiting || b.clientsActive - a.clientsActive)
      .slice(0, mostPools),
    poolsTotal: rows.length,
  };
}

/** In words for the operator; no address and nothing that PgBouncer said is repeated. */
function toProblem(error: unknown): Problem {
  const fix = 'Point targets.pgbouncer.url at its database "pgbouncer", as a user of stats_users.';
  // A PostgreSQL knows no setting `version`; what answers otherwise is another program still.
  if (error instanceof z.ZodError || (error instanceof DatabaseError && error.code === '42704')) {
    const summary = 'What answers there is not the console of a PgBouncer.';
    return { kind: 'invalid', summary, fix };
  }
  const { kind } = toReachError(error);
  if (kind === 'frozen') {
    return {
      kind: 'timeout',
      summary: 'PgBouncer does not answer.',
      fix: 'See whether it is stopped or out of processor time.',
    };
  }
  if (kind === 'full') {
    return {
      kind: 'unreachable',
      summary: 'PgBouncer takes no more clients, not even for its console.',
      fix: 'Raise max_client_conn, or see who opens so many connections to it.',
    };
  }
  // Its refusals bear no SQLSTATE that says why: who gets one was heard, and may not in.
  return error instanceof DatabaseError
    ? { kind: 'forbidden', summary: 'PgBouncer refuses the login of dbconn.', fix }
    : { kind: 'unreachable', summary: 'PgBouncer cannot be reached.', fix };
}
