import { assert, array, asyncProperty, integer } from 'fast-check';
import { expect, test } from 'vitest';
import { PoolTimeoutError, QueuePool } from '../../../sandbox/patient/backend/queue-pool.ts';
import type { Connector, Lease } from '../../../sandbox/patient/backend/queue-pool.ts';

interface FakeConnection {
  readonly id: number;
  broken: boolean;
  open: boolean;
  resets: number;
}

/** Connections that remember what the pool did to them. */
function createBench(refuse: () => boolean = () => false): {
  opened: FakeConnection[];
  connector: Connector<FakeConnection>;
} {
  const opened: FakeConnection[] = [];
  const connector: Connector<FakeConnection> = {
    open() {
      if (refuse()) return Promise.reject(new Error('refused'));
      const connection = { id: opened.length + 1, broken: false, open: true, resets: 0 };
      opened.push(connection);
      return Promise.resolve(connection);
    },
    reset(connection) {
      connection.resets += 1;
      return Promise.resolve();
    },
    close(connection) {
      connection.open = false;
      return Promise.resolve();
    },
    isBroken: ({ broken }) => broken,
  };
  return { opened, connector };
}

function createPool(
  size: number,
  maxOverflow: number,
  connector: Connector<FakeConnection>,
): QueuePool<FakeConnection> {
  return new QueuePool({ size, maxOverflow, timeoutMs: 50 }, connector);
}

async function checkoutMany(
  pool: QueuePool<FakeConnection>,
  count: number,
): Promise<Lease<FakeConnection>[]> {
  return Promise.all(Array.from({ length: count }, () => pool.checkout()));
}

async function checkinAll(
  pool: QueuePool<FakeConnection>,
  leases: readonly Lease<FakeConnection>[],
): Promise<void> {
  for (const lease of leases) await pool.checkin(lease);
}

test('nothing is opened before the first checkout, and overflow starts below zero', () => {
  const { connector, opened } = createBench();
  expect(createPool(5, 10, connector).figures).toEqual({
    size: 5,
    maxOverflow: 10,
    checkedOut: 0,
    checkedIn: 0,
    overflow: -5,
    timeouts: 0,
  });
  expect(opened).toEqual([]);
});

test('overflow connections are closed on checkin and the size is kept', async () => {
  const { connector, opened } = createBench();
  const pool = createPool(2, 3, connector);
  const leases = await checkoutMany(pool, 5);
  expect(pool.figures).toMatchObject({ checkedOut: 5, checkedIn: 0, overflow: 3 });
  await checkinAll(pool, leases);
  expect(pool.figures).toMatchObject({ checkedOut: 0, checkedIn: 2, overflow: 0 });
  expect(opened.map(({ open }) => open)).toEqual([true, true, false, false, false]);
});

test('a checkout from an exhausted pool fails in the words of SQLAlchemy', async () => {
  const { connector } = createBench();
  const pool = createPool(1, 1, connector);
  await checkoutMany(pool, 2);
  await expect(pool.checkout()).rejects.toThrow(
    'QueuePool limit of size 1 overflow 1 reached, connection timed out, timeout 0.05 ' +
      '(Background on this error at: https://sqlalche.me/e/20/3o7r)',
  );
  expect(pool.figures).toMatchObject({ checkedOut: 2, timeouts: 1 });
});

test('who waited longest is served first, and nobody else after a time-out', async () => {
  const { connector } = createBench();
  const pool = new QueuePool({ size: 1, maxOverflow: 0, timeoutMs: 30_000 }, connector);
  const held = await pool.checkout();
  const order: number[] = [];
  const waiting = [1, 2].map(async (number) => {
    const lease = await pool.checkout();
    order.push(number);
    await pool.checkin(lease);
  });
  await pool.checkin(held);
  await Promise.all(waiting);
  expect(order).toEqual([1, 2]);
  expect(pool.figures).toMatchObject({ checkedOut: 0, checkedIn: 1, timeouts: 0 });
});

test('a place whose waiter has given up goes back to the pool', async () => {
  const { connector } = createBench();
  const pool = createPool(1, 0, connector);
  const held = await pool.checkout();
  await expect(pool.checkout()).rejects.toBeInstanceOf(PoolTimeoutError);
  await pool.checkin(held);
  expect((await pool.checkout()).connection.id).toBe(1);
});

test('connections are used in turn, first in first out', async () => {
  const { connector } = createBench();
  const pool = createPool(2, 0, connector);
  await checkinAll(pool, await checkoutMany(pool, 2));
  const ids: number[] = [];
  for (let turn = 0; turn < 4; turn += 1) {
    const lease = await pool.checkout();
    ids.push(lease.connection.id);
    await pool.checkin(lease);
  }
  expect(ids).toEqual([1, 2, 1, 2]);
});

test('every connection is rolled back on checkin', async () => {
  const { connector, opened } = createBench();
  const pool = createPool(1, 0, connector);
  await pool.checkin(await pool.checkout());
  expect(opened[0]?.resets).toBe(1);
});

test('a broken connection is replaced at its next checkout and keeps its place', async () => {
  const { connector, opened } = createBench();
  const pool = createPool(1, 0, connector);
  const lease = await pool.checkout();
  lease.connection.broken = true;
  await pool.checkin(lease);
  expect(pool.figures).toMatchObject({ checkedIn: 1, overflow: 0 });
  expect((await pool.checkout()).connection.id).toBe(2);
  expect(opened[0]?.resets).toBe(0);
});

test('a refused connection costs the pool no place', async () => {
  let refusing = true;
  const { connector } = createBench(() => refusing);
  const pool = createPool(1, 1, connector);
  await expect(pool.checkout()).rejects.toThrow('refused');
  expect(pool.figures).toMatchObject({ checkedOut: 0, overflow: -1 });
  refusing = false;
  expect(await checkoutMany(pool, 2)).toHaveLength(2);
});

test('a place that cannot be reconnected goes back instead of being lost', async () => {
  let refusing = false;
  const { connector } = createBench(() => refusing);
  const pool = createPool(1, 0, connector);
  const lease = await pool.checkout();
  lease.connection.broken = true;
  await pool.checkin(lease);
  refusing = true;
  await expect(pool.checkout()).rejects.toThrow('refused');
  expect(pool.figures).toMatchObject({ checkedOut: 0, checkedIn: 1, overflow: 0 });
});

test.each([
  [5, -1],
  [0, 3],
])('size %i with max_overflow %i has no ceiling', async (size, maxOverflow) => {
  const { connector } = createBench();
  const pool = createPool(size, maxOverflow, connector);
  await checkoutMany(pool, 40);
  expect(pool.figures).toMatchObject({ checkedOut: 40, maxOverflow: -1 });
});

test('whatever the order of checkouts and checkins, what is open is what the figures say', async () => {
  await assert(
    asyncProperty(
      integer({ min: 1, max: 4 }),
      array(integer({ min: 0, max: 3 })),
      async (size, steps) => {
        const { connector, opened } = createBench();
        const pool = new QueuePool({ size, maxOverflow: 3, timeoutMs: 1 }, connector);
        const leases: Lease<FakeConnection>[] = [];
        for (const step of steps) {
          const lease = step === 0 ? leases.shift() : undefined;
          if (lease !== undefined) await pool.checkin(lease);
          else if (leases.length < size + 3) leases.push(await pool.checkout());
          const { checkedIn, checkedOut, overflow } = pool.figures;
          expect(checkedOut).toBe(leases.length);
          expect(checkedIn + checkedOut).toBe(size + overflow);
          expect(opened.filter(({ open }) => open)).toHaveLength(size + overflow);
        }
      },
    ),
  );
});
