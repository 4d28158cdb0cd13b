import { expect, test } from 'vitest';
import type { Problem } from '../../src/runbook/snapshot/snapshot.ts';
import { takeSnapshotOf } from '../../src/runbook/snapshot/take-snapshot.ts';

import { aSnapshot, aTarget } from './diagnose/builders.ts';
import { containing } from './diagnose/matchers.ts';
import type { Clock } from '../../src/timing.ts';

type SnapshotPorts = Parameters<typeof takeSnapshotOf>[0];

/** A clock that moves only when everybody waits for it. */
function fakeClock(): Clock & { readonly waiting: () => number } {
  let now = Date.parse('2026-11-23T03:00:00Z');
  const sleepers = new Map<object, { until: number; wake: () => void }>();
  const turn = (): void => {
    const next = [...sleepers.values()].toSorted((a, b) => a.until - b.until)[0];
    if (next === undefined) return;
    now = Math.max(now, next.until);
    next.wake();
  };
  return {
    now: () => now,
    waiting: () => sleepers.size,
    async sleep(ms, signal) {
      const key = {};
      await new Promise<void>((resolve, reject) => {
        signal?.addEventListener('abort', () => {
          sleepers.delete(key);
          reject(new Error('aborted'));
        });
        sleepers.set(key, {
          until: now + ms,
          wake: () => {
            sleepers.delete(key);
            resolve();
          },
        });
        setImmediate(turn);
      });
    },
  };
}

function never<T>(): Promise<T> {
  return new Promise<T>(() => {});
}

function ports(
  overrides: Partial<SnapshotPorts> = {},
): SnapshotPorts & { clock: ReturnType<typeof fakeClock> } {
  const { database, pools, logs, services } = aSnapshot();
  return {
    database: { readSnapshot: () => Promise.resolve(database) },
    pools: { readPools: () => Promise.resolve(pools) },
    services: {
      readServices: () => Promise.resolve(services),
      readLogs: () => Promise.resolve(logs),
    },
    ...overrides,
    clock: fakeClock(),
  };
}

function problemOf(part: { ok: boolean; problem?: Problem }): Problem | undefined {
  return part.problem;
}

test('a look carries every part as it was read', async () => {
  const given = ports();
  const snapshot = await takeSnapshotOf(given, aTarget());
  const { database, pools, logs, services } = aSnapshot();
  expect(snapshot).toMatchObject({
    target: 'shop',
    takenAt: '2026-11-23T03:00:00.000Z',
    database,
    pools,
    logs,
    services,
  });
});

test('no alarm is left behind when everything answered', async () => {
  const given = ports();
  await takeSnapshotOf(given, aTarget());
  expect(given.clock.waiting()).toBe(0);
});

test('parts are read at the same time', async () => {
  const begun: string[] = [];
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const part = async <T>(name: string, value: T): Promise<T> => {
    begun.push(name);
    if (begun.length === 4) open();
    await gate;
    return value;
  };
  const { database, pools, logs, services } = aSnapshot();
  await takeSnapshotOf(
    ports({
      database: { readSnapshot: () => part('database', database) },
      pools: { readPools: () => part('pools', pools) },
      services: {
        readServices: () => part('services', services),
        readLogs: () => part('logs', logs),
      },
    }),
    aTarget(),
  );
  expect(begun.length).toBe(4);
});

test('a part past its budget becomes a timeout and delays nobody else', async () => {
  const given = ports({ pools: { readPools: () => never() } });
  const snapshot = await takeSnapshotOf(given, aTarget());
  expect(problemOf(snapshot.pools)?.kind).toBe('timeout');
  expect(snapshot.pools.tookMs).toBe(3_000);
  expect(snapshot.database).toEqual(aSnapshot().database);
  expect(snapshot.logs).toEqual(aSnapshot().logs);
});

test('containers and logs have budgets of their own', async () => {
  const given = ports();
  const snapshot = await takeSnapshotOf(
    {
      ...given,
      services: { readServices: () => never(), readLogs: () => given.services.readLogs() },
    },
    aTarget(),
  );
  expect(problemOf(snapshot.services)?.kind).toBe('timeout');
  expect(snapshot.logs.ok).toBe(true);
});

test('a database that outlasts even its own ladder is frozen, within 5 s', async () => {
  const snapshot = await takeSnapshotOf(
    ports({ database: { readSnapshot: () => never() } }),
    aTarget(),
  );
  expect(snapshot.database).toMatchObject({
    tookMs: 4_500,
    reach: { via: 'none', error: { kind: 'frozen' } },
  });
  expect(snapshot.tookMs).toBeLessThan(5_000);
});

test('a part that breaks says so without what it should not say', async () => {
  const snapshot = await takeSnapshotOf(
    ports({
      pools: {
        readPools() {
          throw new Error('no route to postgres://app:hunter2@db/shop');
        },
      },
      database: { readSnapshot: () => Promise.reject(new Error('password=hunter2')) },
    }),
    aTarget(),
  );
  expect(problemOf(snapshot.pools)).toMatchObject({
    kind: 'invalid',
    summary: containing('postgres://…'),
  });
  expect(snapshot.database.reach).toMatchObject({ via: 'none', error: { kind: 'network' } });
  expect(JSON.stringify(snapshot)).not.toContain('hunter2');
});
