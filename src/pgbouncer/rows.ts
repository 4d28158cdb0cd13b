import { z } from 'zod';

/**
 * The rows of PgBouncer's SHOW commands. Columns came, went and were renamed from 1.18 to 1.25, so each is read by its
 * name, and what a version does not show has the value that means "not limited".
 */

/** A figure of the console. */
const figure = z.coerce.number();
const orNone = figure.nullable().default(0);

export const PoolRow = z.object({
  database: z.string(),
  user: z.string(),
  cl_active: figure,
  cl_waiting: figure,
  sv_active: figure,
  sv_idle: figure,
  sv_used: figure.default(0),
  sv_tested: figure.default(0),
  sv_login: figure.default(0),
  sv_active_cancel: figure.default(0),
  sv_being_canceled: figure.default(0),
  maxwait: figure.default(0),
  /** On top of `maxwait`. */
  maxwait_us: figure.default(0),
  pool_mode: z.string().nullable().default(null),
});
export type PoolRow = z.infer<typeof PoolRow>;

export const DatabaseRow = z.object({
  /** What clients ask for; PostgreSQL may know it by the name in `database`. */
  name: z.string(),
  database: z.string().nullable().default(null),
  pool_size: figure,
  reserve_pool_size: figure.optional(),
  /** Its name before 1.24. */
  reserve_pool: figure.optional(),
  max_connections: orNone,
  current_connections: orNone,
  max_client_connections: orNone,
  current_client_connections: orNone,
  paused: orNone,
});
export type DatabaseRow = z.infer<typeof DatabaseRow>;

/** Since 1.23 or 1.24; an empty text where the user has no value of its own. */
const ownValue = z
  .union([z.literal('').transform(() => null), figure])
  .nullable()
  .default(null);

export const UserRow = z.object({
  name: z.string(),
  pool_size: ownValue,
  reserve_pool_size: ownValue,
  max_user_connections: figure.nullable().default(null),
  max_user_client_connections: orNone,
  current_client_connections: orNone,
});
export type UserRow = z.infer<typeof UserRow>;

/** Of SHOW CLIENTS and of SHOW SERVERS. */
export const SocketRow = z.object({
  user: z.string().nullable(),
  database: z.string().nullable(),
  state: z.string(),
  /** The other end's. */
  addr: z.string(),
  /** PgBouncer's own. */
  local_addr: z.string(),
  application_name: z.string().nullable().default(''),
  /** `2026-11-23 03:00:00 UTC`, in PgBouncer's own zone. */
  connect_time: z.string().nullable().default(null),
});
export type SocketRow = z.infer<typeof SocketRow>;

const ConfigRow = z.object({ key: z.string(), value: z.string().nullable() });
const ListRow = z.object({ list: z.string(), items: figure });

/** SHOW CONFIG by key. */
export function toSettings(rows: readonly unknown[]): ReadonlyMap<string, string | null> {
  const parsed = z.array(ConfigRow).parse(rows);
  return new Map(parsed.map(({ key, value }) => [key, value]));
}

/** How many clients SHOW LISTS counts: every connection that max_client_conn counts, consoles included. */
export function toClientCount(rows: readonly unknown[]): number {
  const parsed = z.array(ListRow).parse(rows);
  return parsed.find(({ list }) => list === 'used_clients')?.items ?? 0;
}
