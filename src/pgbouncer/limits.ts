import type { PoolerLimit } from '../runbook/snapshot/readings.ts';
import type { DatabaseRow, PoolRow, UserRow } from './rows.ts';

/** What PgBouncer's documentation (config.md) calls limits, for one pool: a database and a user. */
interface PoolLimits {
  /** pool_size: the user's own, else the database's; null without a limit. */
  readonly size: number | null;
  readonly reserve: number;
  readonly fullBy: PoolerLimit | null;
}

export interface LimitedPools {
  readonly limitsOf: (pool: PoolRow) => PoolLimits;
  readonly mayOpen: number | 'unlimited';
}

export interface Shown {
  readonly pools: readonly PoolRow[];
  readonly databases: readonly DatabaseRow[];
  readonly users: readonly UserRow[];
  readonly settings: ReadonlyMap<string, string | null>;
}

/** Connections to PostgreSQL in whatever state: what `launch_new_connection` (objects.c) counts. */
export function serversOf(pool: PoolRow): number {
  const { sv_active, sv_idle, sv_used, sv_tested, sv_login } = pool;
  const cancelling = pool.sv_active_cancel + pool.sv_being_canceled;
  return sv_active + sv_idle + sv_used + sv_tested + sv_login + cancelling;
}

/** The limits of every pool, and what all pools may open within them. */
export function readLimits({ pools, databases, users, settings }: Shown): LimitedPools {
  const number = (key: string): number => Number(settings.get(key) ?? 0) || 0;
  const databaseOf = new Map(databases.map((row) => [row.name, row]));
  const userOf = new Map(users.map((row) => [row.name, row]));
  // A reserve that no client waits long enough for is none.
  const hasReserve = number('reserve_pool_timeout') > 0;
  const sizeOf = ({ database, user }: Pick<PoolRow, 'database' | 'user'>): PoolSize => {
    const [ofDatabase, ofUser] = [databaseOf.get(database), userOf.get(user)];
    const size = ofUser?.pool_size ?? ofDatabase?.pool_size ?? number('default_pool_size');
    const reserve =
      ofUser?.reserve_pool_size ??
      ofDatabase?.reserve_pool_size ??
      ofDatabase?.reserve_pool ??
      number('reserve_pool_size');
    return { size: size === 0 ? null : size, reserve: hasReserve ? reserve : 0 };
  };
  const most = {
    database: (name: string): number =>
      databaseOf.get(name)?.max_connections ?? number('max_db_connections'),
    // Before 1.23 the console does not show a user's own.
    user: (name: string): number =>
      userOf.get(name)?.max_user_connections ?? number('max_user_connections'),
  };
  const limitsOf = (pool: PoolRow): PoolLimits => {
    const { size, reserve } = sizeOf(pool);
    const isReached = (limit: number, used: number): boolean => limit > 0 && used >= limit;
    const row = databaseOf.get(pool.database);
    const ofUser = pools.filter(({ user }) => user === pool.user).map(serversOf);
    const ofDatabase = pools.filter(({ database }) => database === pool.database).map(serversOf);
    const fullBy: PoolerLimit | null =
      (row?.paused ?? 0) > 0
        ? 'paused'
        : size !== null && serversOf(pool) >= size
          ? 'pool_size'
          : isReached(most.database(pool.database), add(ofDatabase))
            ? 'max_db_connections'
            : isReached(most.user(pool.user), add(ofUser))
              ? 'max_user_connections'
              : null;
    return { size, reserve, fullBy };
  };
  // A pool is made for the first client of a database and a user: before that, one is expected all the same.
  const expected: readonly Pick<PoolRow, 'database' | 'user'>[] =
    pools.length === 0 ? [{ database: databases[0]?.name ?? '', user: '' }] : pools;
  return { limitsOf, mayOpen: ceiling(expected, sizeOf, most) };
}

interface PoolSize {
  readonly size: number | null;
  readonly reserve: number;
}

/** By database and by user, whichever is less: each connection counts in both. */
function ceiling<T extends Pick<PoolRow, 'database' | 'user'>>(
  pools: readonly T[],
  sizeOf: (pool: T) => PoolSize,
  most: Readonly<Record<'database' | 'user', (name: string) => number>>,
): number | 'unlimited' {
  const open = ({ size, reserve }: PoolSize): number => (size === null ? Infinity : size + reserve);
  const within = (key: 'database' | 'user'): number =>
    add(
      [...Map.groupBy(pools, (pool) => pool[key])].map(([name, group]) =>
        Math.min(most[key](name) || Infinity, add(group.map((pool) => open(sizeOf(pool))))),
      ),
    );
  const all = Math.min(within('database'), within('user'));
  return Number.isFinite(all) ? all : 'unlimited';
}

function add(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
