import { z } from 'zod';
import type { PoolerPool, PoolerReading } from '../runbook/snapshot/readings.ts';
import { readLimits, serversOf } from './limits.ts';
import type { LimitedPools } from './limits.ts';
import { DatabaseRow, PoolRow, SocketRow, UserRow, toClientCount, toSettings } from './rows.ts';

/** The name of its console, and of the user it reports that console under. */
const console_ = 'pgbouncer';
const mostPools = 50;
const mostSources = 40;

/** The rows of each SHOW command, as the console sent them. */
export interface ShownRows {
  readonly version: readonly Readonly<Record<string, unknown>>[];
  readonly config: readonly unknown[];
  readonly lists: readonly unknown[];
  readonly databases: readonly unknown[];
  readonly users: readonly unknown[];
  readonly pools: readonly unknown[];
  readonly servers: readonly unknown[];
  /** Null where there are too many to ask for. */
  readonly clients: readonly unknown[] | null;
}

/** Throws a ZodError where what answered is no PgBouncer. */
export function toReading(rows: ShownRows): PoolerReading {
  const settings = toSettings(rows.config);
  const databases = z.array(DatabaseRow).parse(rows.databases).filter(isNotConsole);
  const users = z.array(UserRow).parse(rows.users);
  const pools = z
    .array(PoolRow)
    .parse(rows.pools)
    .filter(({ database }) => database !== console_);
  const limits = readLimits({ pools, databases, users, settings });
  const number = (key: string): number => Number(settings.get(key) ?? 0) || 0;
  const poolMode = settings.get('pool_mode') ?? 'session';
  const clients = rows.clients === null ? null : z.array(SocketRow).parse(rows.clients);
  const shown = pools.map((row) => {
    const pool = toPool(row, poolMode, limits);
    return isWithoutServer(row) ? { ...pool, ...loginWait(row, clients ?? []) } : pool;
  });
  return {
    version: z
      .string()
      .catch('PgBouncer')
      .parse(Object.values(rows.version[0] ?? {})[0]),
    poolMode,
    // The connection that asks is one of them.
    clients: Math.max(0, toClientCount(rows.lists) - 1),
    maxClientConnections: number('max_client_conn'),
    clientLimits: toClientLimits(databases, users),
    clientsWaiting: shown.reduce((total, { clientsWaiting }) => total + clientsWaiting, 0),
    longestWaitSeconds: Math.max(0, ...shown.map(({ longestWaitSeconds }) => longestWaitSeconds)),
    servers: shown.reduce((total, { servers }) => total + servers, 0),
    mayOpen: limits.mayOpen,
    pools: shown
      .toSorted((a, b) => b.clientsWaiting - a.clientsWaiting || b.clientsActive - a.clientsActive)
      .slice(0, mostPools),
    poolsTotal: pools.length,
    clientSources: clients === null ? null : toClients(clients),
    serverSources: toServers(z.array(SocketRow).parse(rows.servers), databases),
  };
}

function isNotConsole({ name }: DatabaseRow): boolean {
  return name !== console_;
}

function toPool(row: PoolRow, poolMode: string, { limitsOf }: LimitedPools): PoolerPool {
  return {
    database: row.database,
    user: row.user,
    mode: row.pool_mode ?? poolMode,
    clientsActive: row.cl_active,
    clientsWaiting: row.cl_waiting,
    longestWaitSeconds: row.maxwait + row.maxwait_us / 1_000_000,
    serversActive: row.sv_active,
    serversIdle: row.sv_idle + row.sv_used,
    servers: serversOf(row),
    ...limitsOf(row),
  };
}

/** Nobody has ever been served, or not for long. */
function isWithoutServer({ cl_waiting, maxwait, sv_active, sv_idle, sv_used }: PoolRow): boolean {
  return cl_waiting > 0 && maxwait === 0 && sv_active + sv_idle + sv_used === 0;
}

/**
 * How long clients have waited whom PgBouncer has not let in yet, because it has not reached PostgreSQL itself: `maxwait`
 * counts from a client's first query (measured with 1.18: 0 for minutes). Our own connection is the latest one.
 */
function loginWait(
  { database }: PoolRow,
  clients: readonly SocketRow[],
): Partial<Pick<PoolerPool, 'longestWaitSeconds'>> {
  const since = (rows: readonly SocketRow[]): number[] =>
    rows.map(({ connect_time }) => toMilliseconds(connect_time)).filter(Number.isFinite);
  const now = since(clients.filter((one) => one.database === console_));
  const waiting = since(
    clients.filter((one) => one.database === database && one.state === 'waiting'),
  );
  if (now.length === 0 || waiting.length === 0) return {};
  return { longestWaitSeconds: Math.max(0, Math.max(...now) - Math.min(...waiting)) / 1000 };
}

/** Without its zone, for only differences matter. */
function toMilliseconds(time: string | null): number {
  const [, day = '', clock = ''] = /^([\d-]{10}) ([\d:]{8})/.exec(time ?? '') ?? [];
  return Date.parse(`${day}T${clock}Z`);
}

function toClientLimits(
  databases: readonly DatabaseRow[],
  users: readonly UserRow[],
): PoolerReading['clientLimits'] {
  return [
    ...databases.map((row) => ({
      kind: 'database' as const,
      name: row.name,
      limit: row.max_client_connections ?? 0,
      used: row.current_client_connections ?? 0,
    })),
    ...users.map((row) => ({
      kind: 'user' as const,
      name: row.name,
      limit: row.max_user_client_connections ?? 0,
      used: row.current_client_connections ?? 0,
    })),
  ]
    .filter(({ limit, used }) => limit > 0 && used > 0)
    .toSorted((a, b) => b.used / b.limit - a.used / a.limit)
    .slice(0, mostSources);
}

function toClients(rows: readonly SocketRow[]): PoolerReading['clientSources'] {
  const groups = Map.groupBy(
    rows.filter(({ database }) => database !== console_),
    ({ addr, application_name }) => JSON.stringify([addr, application_name]),
  );
  return [...groups.values()]
    .flatMap(([first, ...more]) => (first === undefined ? [] : [[first, ...more] as const]))
    .map(([first, ...more]) => ({
      client: toAddress(first.addr),
      application: first.application_name ?? '',
      total: 1 + more.length,
      waiting: [first, ...more].filter(({ state }) => state === 'waiting').length,
    }))
    .toSorted((a, b) => b.total - a.total)
    .slice(0, mostSources);
}

function toServers(
  rows: readonly SocketRow[],
  databases: readonly DatabaseRow[],
): PoolerReading['serverSources'] {
  const nameOf = new Map(databases.map(({ name, database }) => [name, database ?? name]));
  const groups = Map.groupBy(
    // One that has not logged in yet is nobody to PostgreSQL.
    rows.filter(({ state }) => state !== 'new'),
    ({ local_addr, user, database }) => JSON.stringify([local_addr, user, database]),
  );
  return [...groups.values()]
    .flatMap(([first, ...more]) => (first === undefined ? [] : [{ first, total: 1 + more.length }]))
    .map(({ first: { local_addr, user, database }, total }) => ({
      client: toAddress(local_addr),
      user: user ?? '',
      database: nameOf.get(database ?? '') ?? database ?? '',
      total,
    }))
    .toSorted((a, b) => b.total - a.total)
    .slice(0, mostSources);
}

/** As PostgreSQL has it: a Unix socket has no address. */
function toAddress(text: string): string | null {
  return text.startsWith('unix') ? null : text;
}
