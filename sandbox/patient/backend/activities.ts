import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Connection } from './connection.ts';
import type { QueuePool } from './queue-pool.ts';
import {
  contendingStatement,
  holdingStatements,
  payment,
  shortQueries,
  writes,
} from './statements.ts';

/** What a process can be told to do, each through the same pool its ordinary requests use. */
export const Activity = z.discriminatedUnion('kind', [
  /** `concurrency` users, each with one short transaction of about `queryMs` after another. */
  z.object({
    kind: z.literal('load'),
    concurrency: z.coerce.number().int().min(1).max(500),
    queryMs: z.coerce.number().min(0).max(10_000),
    pauseMs: z.coerce.number().min(0).max(60_000),
  }),
  /** A code path that forgets to close: every `everyMs` a request keeps its connection for ever. */
  z.object({
    kind: z.literal('leak'),
    everyMs: z.coerce.number().min(1).max(60_000),
    /** `transaction` leaves it idle in transaction, `autocommit` idle. */
    mode: z.enum(['transaction', 'autocommit']),
  }),
  /** `count` users who ask for reports that take `seconds` each, over and over. */
  z.object({
    kind: z.literal('report'),
    count: z.coerce.number().int().min(1).max(500),
    seconds: z.coerce.number().min(0).max(3600),
  }),
  /** `count` requests that write, each its own rows from `firstRow`, and never commit. */
  z.object({
    kind: z.literal('uncommitted'),
    count: z.coerce.number().int().min(1).max(500),
    firstRow: z.coerce.number().int().min(1),
  }),
  /** `count` users who each write and commit, over and over. */
  z.object({ kind: z.literal('write'), count: z.coerce.number().int().min(1).max(500) }),
  /** One transaction that holds what `contend` asks for: a row, or a table that queued DDL waits for. */
  z.object({ kind: z.literal('hold'), what: z.enum(['row', 'table']) }),
  /** Queued DDL on that table: whoever comes later waits behind it. */
  z.object({ kind: z.literal('migrate') }),
  /** `count` requests that want the held row, or to read the held table. */
  z.object({
    kind: z.literal('contend'),
    what: z.enum(['row', 'table']),
    count: z.coerce.number().int().min(1).max(500),
  }),
]);
export type Activity = z.infer<typeof Activity>;

export interface Shop {
  readonly pool: QueuePool<Connection>;
  /** Called for every request that fails. */
  readonly onFailure: (what: string, error: unknown) => void;
}

/** After a failure a client tries again, but not at once. */
const retryMs = 200;
const betweenPaymentsMs = 200;

/** Starts an activity and returns; it goes on until the process ends. */
export function startActivity(shop: Shop, activity: Activity): void {
  switch (activity.kind) {
    case 'load':
      repeat(activity.concurrency, (index) => serveLoad(shop, activity, index));
      break;
    case 'leak':
      void leakSteadily(shop, activity);
      break;
    case 'report':
      repeat(activity.count, (index) =>
        serve(shop, 'GET /reports', async (connection) => {
          await connection.execute(
            'SELECT * FROM monthly_report(%s, %s)',
            1 + index,
            activity.seconds,
          );
          await connection.commit();
        }),
      );
      break;
    case 'uncommitted':
      once(activity.count, (index) => writeWithoutCommit(shop, activity.firstRow + index));
      break;
    case 'write':
      repeat(activity.count, async (index) => {
        const served = await serve(shop, 'POST /payments', async (connection) => {
          await connection.execute(payment, 1 + index);
          await connection.commit();
        });
        await sleep(betweenPaymentsMs);
        return served;
      });
      break;
    case 'hold':
      once(1, () => keep(shop, 'POST /settlements', holdingStatements[activity.what]));
      break;
    case 'migrate':
      once(1, () =>
        keep(shop, 'migration', 'ALTER TABLE invoices ADD COLUMN IF NOT EXISTS note text'),
      );
      break;
    case 'contend':
      repeat(activity.count, async (index) => {
        const served = await serve(shop, 'POST /payments', async (connection) => {
          await connection.execute(contendingStatement[activity.what], 1 + index);
          await connection.commit();
        });
        // Once nothing is in their way they must not wear out the machine they share.
        await sleep(betweenPaymentsMs);
        return served;
      });
      break;
  }
}

/** One request as it should be: the connection goes back whatever happens. */
export async function serve<T>(
  shop: Shop,
  what: string,
  work: (connection: Connection) => Promise<T>,
): Promise<boolean> {
  try {
    const lease = await shop.pool.checkout();
    try {
      await work(lease.connection);
    } finally {
      await shop.pool.checkin(lease);
    }
    return true;
  } catch (error) {
    shop.onFailure(what, error);
    return false;
  }
}

function once(count: number, request: (index: number) => Promise<unknown>): void {
  for (let index = 0; index < count; index += 1) void request(index);
}

function repeat(count: number, request: (index: number) => Promise<boolean>): void {
  once(count, async (index) => {
    for (;;) {
      const served = await request(index);
      if (!served) await sleep(retryMs);
    }
  });
}

async function serveLoad(
  shop: Shop,
  load: Activity & { kind: 'load' },
  user: number,
): Promise<boolean> {
  const query = shortQueries[user % shortQueries.length] ?? 'SELECT 1 WHERE %s > 0 AND %s >= 0';
  // Users who started together would otherwise stay in step and all pause at the same moment.
  const seconds = (load.queryMs * (0.5 + Math.random())) / 1000;
  const served = await serve(shop, 'GET /orders', async (connection) => {
    await connection.execute(query, 1 + Math.floor(Math.random() * 500), seconds);
    await connection.commit();
  });
  if (load.pauseMs > 0) await sleep(load.pauseMs * (0.5 + Math.random()));
  return served;
}

async function leakSteadily(shop: Shop, leak: Activity & { kind: 'leak' }): Promise<void> {
  const sql = 'SELECT id, total, status FROM orders WHERE customer_email = %s ORDER BY id DESC';
  for (let request = 1; ; request += 1) {
    const email = `customer${request}@example.com`;
    void forget(shop, 'GET /orders/export', (connection) =>
      leak.mode === 'transaction'
        ? connection.execute(sql, email)
        : connection.executeAutocommit(sql, email),
    );
    await sleep(leak.everyMs);
  }
}

async function writeWithoutCommit(shop: Shop, row: number): Promise<void> {
  const [what, sql] = writes[row % writes.length] ?? ['POST /', 'SELECT %s'];
  await forget(shop, what, (connection) => connection.execute(sql, row));
}

async function keep(shop: Shop, what: string, sql: string): Promise<void> {
  await forget(shop, what, (connection) => connection.execute(sql));
}

/** A request that never gives its connection back. */
async function forget(
  shop: Shop,
  what: string,
  work: (connection: Connection) => Promise<unknown>,
): Promise<void> {
  try {
    const { connection } = await shop.pool.checkout();
    await work(connection);
  } catch (error) {
    shop.onFailure(what, error);
  }
}
