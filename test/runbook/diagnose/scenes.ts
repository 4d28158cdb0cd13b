import type { DiagnoseInput } from '../../../src/runbook/diagnose/evidence.ts';
import type { SessionReading } from '../../../src/runbook/snapshot/snapshot.ts';
import {
  aPool,
  aReading,
  aReplica,
  aServiceReading,
  aSnapshot,
  aSource,
  aTarget,
  aWaiter,
  lines,
  locksOf,
  replicas,
  sessions,
  takenAt,
} from './builders.ts';

/** What each cause physically looks like on a server of 97 usable slots, and what only looks alike. */

export function input(parts: Partial<DiagnoseInput> = {}): DiagnoseInput {
  return { snapshot: aSnapshot(), target: aTarget(), recent: [], ...parts };
}

/** One look a minute up to a minute ago, oldest first. */
function looksBefore(...used: readonly number[]): DiagnoseInput['recent'] {
  return used.map((value, index) => ({
    at: new Date(Date.parse(takenAt) - (used.length - index) * 60_000).toISOString(),
    used: value,
    usable: 97,
  }));
}

function inTransaction(
  many: number,
  of: (index: number) => Partial<SessionReading>,
): SessionReading[] {
  return sessions(many, (index) => ({
    state: 'idle in transaction',
    stateAgeSeconds: 60 + index * 40,
    transactionAgeSeconds: 61 + index * 40,
    ...of(index),
  }));
}

function fromReplicas(
  many: number,
  each: Parameters<typeof aSource>[0],
): ReturnType<typeof aSource>[] {
  return Array.from({ length: many }, (_, index) =>
    aSource({ client: `10.0.1.${index + 1}`, ...each }),
  );
}

export function healthyBusy(): DiagnoseInput {
  return input({
    recent: looksBefore(80, 84, 81, 83),
    snapshot: aSnapshot({
      reading: aReading({
        counts: { clients: 82, active: 38, idle: 40, idleInTransaction: 4 },
        sources: fromReplicas(6, { total: 13, active: 6, idle: 6, idleInTransaction: 1 }),
        sourcesTotal: 6,
        sessions: [
          ...sessions(20, () => ({
            state: 'active',
            queryAgeSeconds: 0.02,
            stateAgeSeconds: 0.02,
          })),
          ...sessions(20, () => ({ stateAgeSeconds: 0.3 })),
          ...sessions(3, () => ({ state: 'idle in transaction', stateAgeSeconds: 0.004 })),
        ],
      }),
      pools: Array.from({ length: 6 }, () =>
        aPool({ size: 15, checkedOut: 11, checkedIn: 2, limit: 20, utilisation: 11 / 20 }),
      ),
      services: {
        services: [aServiceReading({ replicas: replicas(6, { size: 15, maxOverflow: 5 }) })],
      },
    }),
  });
}

/** A request handler that reads and never closes its session. */
export function leakInTransaction(): DiagnoseInput {
  return input({
    recent: looksBefore(60, 68, 76, 84),
    snapshot: aSnapshot({
      reading: aReading({
        counts: {
          clients: 92,
          active: 2,
          idle: 20,
          idleInTransaction: 70,
          idleInTransactionOverWarning: 60,
          idleInTransactionOverTerminate: 30,
        },
        sources: [
          aSource({
            total: 80,
            active: 1,
            idle: 9,
            idleInTransaction: 70,
            idleInTransactionOverTerminate: 30,
          }),
          aSource({ application: 'worker', client: '10.0.0.9', total: 12, active: 1, idle: 11 }),
        ],
        sourcesTotal: 2,
        sessions: [
          ...inTransaction(38, () => ({
            fingerprint: 'leak',
            query: 'SELECT * FROM carts WHERE id = ?',
          })),
          ...inTransaction(2, (index) => ({ fingerprint: `other ${index}` })),
        ],
      }),
      pools: [
        aPool({
          size: 60,
          maxOverflow: 20,
          limit: 80,
          checkedOut: 78,
          checkedIn: 2,
          utilisation: 78 / 80,
        }),
      ],
      logs: [lines('pool-timeout', 4)],
      services: {
        services: [
          aServiceReading({
            replicas: [aReplica({ pool: { ...aReplica().pool, size: 60, maxOverflow: 20 } })],
          }),
        ],
      },
    }),
  });
}

/** The same in autocommit: the server sees idle sessions, the pool counts them as given out. */
export function leakIdle(): DiagnoseInput {
  return input({
    recent: looksBefore(70, 76, 82, 86),
    snapshot: aSnapshot({
      reading: aReading({
        counts: { clients: 91, active: 2, idle: 89, idleOverTerminate: 20 },
        sources: [
          ...fromReplicas(3, { total: 29, active: 0, idle: 29, idleOverTerminate: 6 }),
          aSource({ application: 'worker', client: '10.0.0.9', total: 4, active: 2, idle: 2 }),
        ],
        sourcesTotal: 4,
        sessions: sessions(20, (index) => ({
          stateAgeSeconds: 200 + index * 60,
          fingerprint: 'leak',
        })),
      }),
      pools: Array.from({ length: 3 }, () =>
        aPool({
          size: 20,
          maxOverflow: 10,
          limit: 30,
          checkedOut: 29,
          checkedIn: 0,
          utilisation: 29 / 30,
        }),
      ),
      logs: [lines('pool-timeout', 2)],
      services: {
        services: [aServiceReading({ replicas: replicas(3, { size: 20, maxOverflow: 10 }) })],
      },
    }),
  });
}

export function slowQueries(): DiagnoseInput {
  return input({
    snapshot: aSnapshot({
      reading: aReading({
        counts: { clients: 88, active: 60, idle: 28, slowQueries: 52 },
        sources: fromReplicas(4, { total: 22, active: 15, idle: 7 }),
        sourcesTotal: 4,
        sessions: [
          ...sessions(20, (index) => ({
            state: 'active',
            queryAgeSeconds: 120 + index,
            stateAgeSeconds: 120,
          })),
          ...sessions(20, () => ({ stateAgeSeconds: 2 })),
        ],
      }),
      pools: Array.from({ length: 4 }, () =>
        aPool({ checkedOut: 15, checkedIn: 0, limit: 15, utilisation: 1 }),
      ),
      logs: [lines('pool-timeout', 9)],
      services: {
        services: [aServiceReading({ replicas: replicas(4, { size: 10, maxOverflow: 5 }) })],
      },
    }),
  });
}

export function uncommitted(): DiagnoseInput {
  return input({
    snapshot: aSnapshot({
      reading: aReading({
        counts: {
          clients: 80,
          active: 6,
          idle: 50,
          idleInTransaction: 22,
          idleInTransactionAborted: 2,
          idleInTransactionOverWarning: 20,
          idleInTransactionOverTerminate: 12,
        },
        sources: fromReplicas(4, {
          total: 20,
          active: 1,
          idle: 12,
          idleInTransaction: 6,
          idleInTransactionOverTerminate: 3,
        }),
        sourcesTotal: 4,
        sessions: [
          ...inTransaction(24, (index) => ({
            stateAgeSeconds: 310 + index * 30,
            hasWritten: index % 4 !== 0,
            fingerprint: `write ${index % 9}`,
          })),
          ...sessions(20, () => ({ stateAgeSeconds: 3 })),
        ],
      }),
      pools: [],
      services: {
        services: [aServiceReading({ replicas: replicas(4, { size: 10, maxOverflow: 10 }) })],
      },
    }),
  });
}

/** Scaled from 4 to 12 small replicas: each within its pool, all together more than the server has. */
export function scaling(): DiagnoseInput {
  return input({
    snapshot: aSnapshot({
      reach: {
        via: 'reserved',
        rungs: [],
        error: { kind: 'full', scope: 'server', summary: 'refused', fix: 'wait' },
      },
      reading: aReading({
        counts: { clients: 97, active: 9, idle: 88, newIn300s: 60 },
        sources: fromReplicas(12, { total: 8, active: 1, idle: 7 }),
        sourcesTotal: 12,
        sessions: sessions(20, () => ({ stateAgeSeconds: 45 })),
      }),
      pools: Array.from({ length: 12 }, () =>
        aPool({
          size: 8,
          maxOverflow: 4,
          limit: 12,
          checkedOut: 1,
          checkedIn: 7,
          utilisation: 1 / 12,
        }),
      ),
      logs: [lines('slots-reserved', 12)],
      services: {
        services: [
          aServiceReading({
            replicas: replicas(
              12,
              { size: 8, maxOverflow: 4 },
              { startedAt: '2026-11-23T02:55:00.000Z' },
            ),
          }),
        ],
      },
    }),
  });
}

/** One process with a pool of 90, which it keeps open and does not use. */
export function poolTooLarge(): DiagnoseInput {
  return input({
    snapshot: aSnapshot({
      reading: aReading({
        counts: { clients: 93, active: 2, idle: 91, idleOverTerminate: 60 },
        sources: [
          aSource({ total: 88, active: 1, idle: 87, idleOverTerminate: 60 }),
          aSource({ application: 'worker', client: '10.0.0.9', total: 5, active: 1, idle: 4 }),
        ],
        sourcesTotal: 2,
        sessions: sessions(20, () => ({ stateAgeSeconds: 2_400, query: 'ROLLBACK' })),
      }),
      pools: [
        aPool({
          size: 90,
          maxOverflow: 0,
          limit: 90,
          checkedOut: 1,
          checkedIn: 87,
          utilisation: 1 / 90,
        }),
      ],
      services: {
        services: [
          aServiceReading({
            replicas: [aReplica({ pool: { ...aReplica().pool, size: 90, maxOverflow: 0 } })],
          }),
        ],
      },
    }),
  });
}

/** Two connections for everybody's short requests, on a server that is nearly empty. */
export function poolTooSmall(): DiagnoseInput {
  return input({
    snapshot: aSnapshot({
      reading: aReading({
        counts: { clients: 5, active: 2, idle: 3 },
        sources: [aSource({ total: 2, active: 2, idle: 0 })],
        sessions: sessions(2, () => ({
          state: 'active',
          queryAgeSeconds: 0.01,
          stateAgeSeconds: 0.01,
        })),
      }),
      pools: [
        aPool({ size: 2, maxOverflow: 0, limit: 2, checkedOut: 2, checkedIn: 0, utilisation: 1 }),
      ],
      logs: [lines('pool-timeout', 30)],
      services: {
        services: [
          aServiceReading({
            replicas: [aReplica({ pool: { ...aReplica().pool, size: 2, maxOverflow: 0 } })],
          }),
        ],
      },
    }),
  });
}

/** A forgotten UPDATE, and forty sessions that want the same row. */
export function lockContention(): DiagnoseInput {
  const [root] = sessions(1, () => ({
    state: 'idle in transaction',
    stateAgeSeconds: 90,
    transactionAgeSeconds: 95,
    hasWritten: true,
  }));
  const pid = root?.pid ?? 0;
  const waiters = Array.from({ length: 40 }, (_, index) =>
    aWaiter(5_000 + index, index === 0 ? [pid] : [pid, 5_000], { waitSeconds: 80 - index }),
  );
  return input({
    snapshot: aSnapshot({
      reading: aReading({
        counts: { clients: 70, active: 44, idle: 25, idleInTransaction: 1, lockWaiting: 40 },
        sources: fromReplicas(4, { total: 17, active: 11, idle: 6 }),
        sourcesTotal: 4,
        sessions: root === undefined ? [] : [root],
        locks: locksOf(waiters),
      }),
      pools: [aPool({ checkedOut: 15, checkedIn: 0, utilisation: 1 })],
      logs: [lines('pool-timeout', 3)],
      services: {
        services: [aServiceReading({ replicas: replicas(4, { size: 10, maxOverflow: 5 }) })],
      },
    }),
  });
}

/** Reports that run for minutes, and a batch job that never commits. */
export function slowAndUncommitted(): DiagnoseInput {
  return input({
    snapshot: aSnapshot({
      reading: aReading({
        counts: {
          clients: 90,
          active: 45,
          idle: 20,
          idleInTransaction: 25,
          idleInTransactionOverWarning: 22,
          slowQueries: 40,
        },
        sources: fromReplicas(5, { total: 18, active: 9, idle: 4, idleInTransaction: 5 }),
        sourcesTotal: 5,
        sessions: [
          ...sessions(20, () => ({ state: 'active', queryAgeSeconds: 300, stateAgeSeconds: 300 })),
          ...inTransaction(25, (index) => ({
            stateAgeSeconds: 320 + index,
            hasWritten: true,
            fingerprint: `batch ${index % 8}`,
          })),
          ...sessions(20, () => ({ stateAgeSeconds: 1 })),
        ],
      }),
      services: {
        services: [aServiceReading({ replicas: replicas(5, { size: 10, maxOverflow: 8 }) })],
      },
    }),
  });
}

/** Everything the pool has given out was ended under it; it says that it is used up, and PostgreSQL has room. */
export function deadPool(): DiagnoseInput {
  return input({
    snapshot: aSnapshot({
      reading: aReading({ counts: { clients: 3, active: 0, idle: 3 }, sources: [], sessions: [] }),
      pools: [
        aPool({
          size: 10,
          maxOverflow: 5,
          limit: 15,
          checkedOut: 15,
          checkedIn: 0,
          utilisation: 1,
        }),
      ],
      logs: [lines('pool-timeout', 30)],
      services: {
        services: [aServiceReading({ replicas: replicas(1, { size: 10, maxOverflow: 5 }) })],
      },
    }),
  });
}

/** Each request holds one connection, in a transaction, and waits for a second one. */
export function poolWaitsForItself(): DiagnoseInput {
  return input({
    snapshot: aSnapshot({
      reading: aReading({
        counts: { clients: 15, active: 0, idle: 0, idleInTransaction: 15 },
        sources: [aSource({ total: 15, active: 0, idle: 0, idleInTransaction: 15 })],
        sessions: sessions(15, (index) => ({
          state: 'idle in transaction',
          stateAgeSeconds: 12 + index,
          transactionAgeSeconds: 12 + index,
          fingerprint: `request ${index}`,
        })),
      }),
      pools: [
        aPool({
          size: 10,
          maxOverflow: 5,
          limit: 15,
          checkedOut: 15,
          checkedIn: 0,
          utilisation: 1,
        }),
      ],
      logs: [lines('pool-timeout', 9)],
      services: {
        services: [aServiceReading({ replicas: replicas(1, { size: 10, maxOverflow: 5 }) })],
      },
    }),
  });
}
