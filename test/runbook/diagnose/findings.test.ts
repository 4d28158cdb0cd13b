import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Severity } from '../../../src/runbook/diagnose/diagnosis.ts';
import { gatherEvidence } from '../../../src/runbook/diagnose/evidence.ts';
import { findAll } from '../../../src/runbook/diagnose/diagnose.ts';
import type { WaitReading } from '../../../src/runbook/snapshot/readings.ts';
import type {
  ReplicaReading,
  SettingReading,
  Snapshot,
} from '../../../src/runbook/snapshot/snapshot.ts';
import type { Target } from '../../../src/runbook/snapshot/target.ts';
import { recordAnswer } from '../../record/recorded.ts';
import type { SnapshotParts } from './builders.ts';
import {
  aPool,
  aProblem,
  aReading,
  aReplica,
  aServiceReading,
  aSession,
  aSnapshot,
  aSource,
  aTarget,
  aWaiter,
  lines,
  locksOf,
  refused,
  replicas,
  sessions,
  restartPids,
} from './builders.ts';
import * as scenes from './scenes.ts';
import { containing } from './matchers.ts';
import { reachRows } from './reach-rows.ts';

restartPids();

function findingsOf(snapshot: Snapshot, target: Target = aTarget()): ReturnType<typeof findAll> {
  return recordAnswer('findings', findAll(gatherEvidence({ snapshot, target, recent: [] })));
}

const counted = (counts: Parameters<typeof aReading>[0] = {}): SnapshotParts => ({
  reading: aReading(counts),
});
/** So many deadlock checks that the lock table could not be read. */
const busyLocks = {
  locks: { waiters: [], waitersTotal: 800, askedTotal: 0 },
  lockManagerBusy: { sessions: 600 },
};
function waitOf(type: string | null, event: string | null, lasting: number): WaitReading {
  return { type, event, sessions: lasting, lasting };
}
/** One replica for each, otherwise as the runbook recommends. */
function withPools(...pools: readonly Partial<ReplicaReading['pool']>[]): SnapshotParts {
  const made = pools.map((pool) => aReplica({ pool: { ...aReplica().pool, ...pool } }));
  return { services: { services: [aServiceReading({ replicas: made })] } };
}
function idleTimeout(ms: number, source = 'configuration file'): SettingReading {
  return {
    name: 'idle_session_timeout',
    value: String(ms),
    unit: 'ms',
    source,
    pendingRestart: false,
  };
}
const full = refused('full', { scope: 'server' });
const healthy = findingsOf(aSnapshot());

test('a healthy server has no finding at all', () => {
  expect(healthy).toEqual([]);
});

const commits = sessions(1, () => ({ waitEvent: 'SyncRep', stateAgeSeconds: 5 }));
const fires: readonly (readonly [string, Severity, SnapshotParts])[] = [
  ...reachRows,
  ['server-unread', 'warning', { reading: null }],
  [
    'process-titles',
    'info',
    {
      reading: null,
      reach: full,
      services: {
        services: [],
        postgresProcesses: {
          clients: 97,
          authenticating: 5,
          idle: 80,
          idleInTransaction: 4,
          active: 8,
          sources: [],
        },
      },
    },
  ],
  [
    'no-pg-monitor',
    'warning',
    counted({ counts: { hidden: 9 }, visibility: { ...aReading().visibility, monitor: false } }),
  ],
  ['capacity-warning', 'warning', counted({ counts: { clients: 80 } })],
  ['capacity-critical', 'critical', counted({ counts: { clients: 88 } })],
  [
    'half-open-logins',
    'critical',
    { reading: aReading({ counts: { clients: 20 } }), reach: { ...full, via: 'reserved' } },
  ],
  [
    'superuser-application',
    'warning',
    counted({
      counts: { superuser: 5 },
      sources: [aSource({ total: 5 })],
      superuserRoles: [{ name: 'app', isBootstrap: false }],
    }),
  ],
  [
    'slower-than-usual',
    'warning',
    counted({
      counts: { clients: 90, active: 88 },
      sessions: sessions(20, () => ({ state: 'active', queryAgeSeconds: 4, waitEventType: null })),
    }),
  ],
  ['superuser-sessions', 'info', counted({ counts: { superuser: 4 } })],
  [
    'role-limit-near',
    'critical',
    counted({ connectionLimits: [{ kind: 'role', name: 'app', limit: 10, used: 10 }] }),
  ],
  [
    'database-limit-near',
    'warning',
    counted({ connectionLimits: [{ kind: 'database', name: 'shop', limit: 10, used: 9 }] }),
  ],
  [
    'replication',
    'info',
    counted({
      counts: { walsenders: 1 },
      standbys: [{ application: 's1', state: 'streaming', replayLagSeconds: 0 }],
    }),
  ],
  ['idle-in-transaction', 'warning', counted({ counts: { idleInTransactionOverWarning: 2 } })],
  [
    'idle-in-transaction-aborted',
    'warning',
    counted({
      sessions: sessions(2, () => ({
        state: 'idle in transaction (aborted)',
        stateAgeSeconds: 60,
      })),
    }),
  ],
  ['terminate-candidates', 'warning', counted({ counts: { idleInTransactionOverTerminate: 2 } })],
  ['slow-queries', 'warning', counted({ counts: { slowQueries: 1 } })],
  [
    'activity-not-tracked',
    'warning',
    counted({ untracked: { sessions: 9, resting: 8, inTransaction: 2 } }),
  ],
  ['client-wait', 'warning', counted({ waits: [waitOf('Client', 'ClientWrite', 4)] })],
  ['storage', 'warning', counted({ waits: [waitOf('IO', 'DataFileRead', 4)] })],
  ['internal-locks', 'warning', counted({ waits: [waitOf('LWLock', 'WALWrite', 4)] })],
  ['cpu', 'warning', counted({ waits: [waitOf(null, null, 9)] })],
  [
    'maintenance',
    'warning',
    counted({
      sessions: [aSession({ pid: 1, state: 'active', query: 'CREATE INDEX ON t (a)' })],
      locks: locksOf([aWaiter(2, [1]), aWaiter(3, [1]), aWaiter(4, [1])]),
    }),
  ],
  ['replication-wait', 'critical', counted({ counts: { committing: 3 }, sessions: commits })],
  [
    'long-transactions',
    'warning',
    counted({ sessions: sessions(1, () => ({ transactionAgeSeconds: 7_200 })) }),
  ],
  ['lock-waits', 'warning', counted({ locks: locksOf([aWaiter(2, [1])]) })],
  ['lock-manager-busy', 'critical', counted(busyLocks)],
  ['lock-cycle', 'warning', counted({ locks: locksOf([aWaiter(1, [2]), aWaiter(2, [1])]) })],
  [
    'prepared-transactions',
    'warning',
    counted({
      prepared: [{ gid: 'order-7', owner: 'app', database: 'shop', ageSeconds: 4_000 }],
      preparedTotal: 1,
    }),
  ],
  ['pools-unread', 'warning', { pools: aProblem('timeout') }],
  ['pool-near-limit', 'warning', { pools: [aPool({ checkedOut: 14, utilisation: 14 / 15 })] }],
  ['pool-without-limit', 'info', { pools: [aPool({ limit: 'unlimited', utilisation: null })] }],
  ['logs-unread', 'info', { logs: aProblem('timeout') }],
  ['pool-timeouts-in-logs', 'warning', { logs: [lines('pool-timeout')] }],
  ['refusals-in-logs', 'warning', { logs: [lines('slots-reserved')] }],
  ['limit-refusals-in-logs', 'warning', { logs: [lines('role-or-database-limit')] }],
  ['pooler-logins-in-logs', 'warning', { logs: [lines('pooler-login')] }],
  ['pooler-limit-in-logs', 'warning', { logs: [lines('pooler-limit')] }],
  ['pooler-waits-in-logs', 'warning', { logs: [lines('pooler-query-wait')] }],
  ['deadlocks-in-logs', 'warning', { logs: [lines('deadlock')] }],
  ['crash-in-logs', 'warning', { logs: [lines('crash')] }],
  ['login-failures-in-logs', 'info', { logs: [lines('authentication')] }],
  ['docker-missing', 'warning', { services: aProblem('missing', 'Mount the socket.') }],
  ['docker-forbidden', 'warning', { services: aProblem('forbidden', 'Add the group.') }],
  ['services-unread', 'warning', { services: aProblem('timeout') }],
  [
    'service-unread',
    'warning',
    { services: { services: [aServiceReading({ replicas: [], problem: aProblem('invalid') })] } },
  ],
  [
    'replica-crash-looping',
    'warning',
    { services: { services: [aServiceReading({ replicas: [aReplica({ restarts: 4 })] })] } },
  ],
  [
    'replica-down',
    'warning',
    {
      services: {
        services: [aServiceReading({ replicas: [aReplica({ state: 'exited', exitCode: 1 })] })],
      },
    },
  ],
  [
    'replica-unhealthy',
    'warning',
    {
      services: { services: [aServiceReading({ replicas: [aReplica({ health: 'unhealthy' })] })] },
    },
  ],
  [
    'replica-out-of-memory',
    'warning',
    { services: { services: [aServiceReading({ replicas: [aReplica({ oomKilled: true })] })] } },
  ],
  ['service-over-budget', 'warning', counted({ sources: [aSource({ total: 40 })] })],
  [
    'budget-can-exhaust',
    'info',
    {
      services: {
        services: [aServiceReading({ replicas: replicas(9, { size: 10, maxOverflow: 5 }) })],
      },
    },
  ],
  [
    'pending-restart',
    'warning',
    counted({
      settings: [
        {
          name: 'max_connections',
          value: '100',
          unit: null,
          source: 'configuration file',
          pendingRestart: true,
        },
      ],
    }),
  ],
  [
    'max-connections-on-command-line',
    'info',
    counted({
      counts: { clients: 90 },
      settings: [
        {
          name: 'max_connections',
          value: '100',
          unit: null,
          source: 'command line',
          pendingRestart: false,
        },
      ],
    }),
  ],
  [
    'idle-in-transaction-timeout-off',
    'info',
    counted({
      settings: [
        {
          name: 'idle_in_transaction_session_timeout',
          value: '0',
          unit: 'ms',
          source: 'default',
          pendingRestart: false,
        },
      ],
    }),
  ],
  ['pool-setting-pre-ping-off', 'info', withPools({ prePing: false })],
  ['pool-setting-recycle-off', 'info', withPools({ recycleSeconds: -1 })],
  ['pool-setting-timeout-long', 'info', withPools({ timeoutSeconds: 120 })],
  ['pool-settings-differ', 'info', withPools({ size: 5 }, { size: 20 })],
  ['idle-session-timeout-for-all', 'info', counted({ settings: [idleTimeout(60_000)] })],
];

test.for(fires)('%s fires as %s', ([id, severity, parts]) => {
  const found = findingsOf(aSnapshot(parts)).filter((finding) => finding.id === id);
  expect(found.map((finding) => finding.severity)).toEqual([severity]);
  expect(found[0]?.summary).toMatch(/^\S.*[.]$/);
});

test('a pool that PostgreSQL cuts before it recycles, and that does not look, is a warning', () => {
  const settings = [idleTimeout(600_000)];
  const severityOf = (pool: Partial<ReplicaReading['pool']>): Severity | undefined => {
    const snapshot = aSnapshot({ ...withPools(pool), reading: aReading({ settings }) });
    return findingsOf(snapshot).find(({ id }) => id === 'pool-setting-pre-ping-off')?.severity;
  };
  expect(severityOf({ prePing: false, recycleSeconds: 1800 })).toBe('warning');
  expect(severityOf({ prePing: false, recycleSeconds: 300 })).toBe('info');
  expect(severityOf({ prePing: true, recycleSeconds: 1800 })).toBeUndefined();
});

test('what an environment does not say, and what holds for dbconn alone, is no finding', () => {
  const unknown = {
    size: null,
    maxOverflow: null,
    timeoutSeconds: null,
    recycleSeconds: null,
    prePing: null,
  };
  const reading = aReading({ settings: [idleTimeout(60_000, 'user')] });
  expect(findingsOf(aSnapshot({ ...withPools(unknown), reading }))).toEqual([]);
});

test('an endpoint that is down is a finding with its fix', () => {
  const snapshot: Snapshot = {
    ...aSnapshot(),
    pools: {
      ok: true,
      tookMs: 2_000,
      value: [
        {
          service: 'backend',
          endpoint: 'localhost:8000/metrics',
          tookMs: 2_000,
          pools: [],
          problem: aProblem('timeout'),
        },
      ],
    },
  };
  const [found] = findingsOf(snapshot);
  expect(found).toMatchObject({
    id: 'pool-endpoint-down',
    severity: 'warning',
    fix: containing('backend'),
  });
});

/** They need a real server, or what was before. */
const inNights = [
  'abandoned-clients',
  'connection-rhythm',
  'deadlocks',
  'deploy-overlap',
  'recent-changes',
  'reconnect-storm',
  'strangers',
] as const;

test('every finding in the source but those of poolers fires in this file', () => {
  const folder = new URL('../../../src/runbook/diagnose/findings/', import.meta.url);
  const files = readdirSync(folder);
  const source = files.map((file) => readFileSync(new URL(file, folder), 'utf8'));
  const ids = source.flatMap((text) =>
    [...text.matchAll(/\bid: '((?!pooler-)[a-z-]+)'/g)].map(([, id]) => id),
  );
  const byRule = [...source.join('').matchAll(/\['(replica-[a-z-]+)'/g)].map(([, id]) => id);
  const tested = new Set([...fires.map(([id]) => id), 'pool-endpoint-down', ...inNights]);
  expect(ids.length).toBeGreaterThan(25);
  expect([...ids, ...byRule].filter((id) => !tested.has(id ?? ''))).toEqual([]);
});

test('the worst stands first', () => {
  const severities = findingsOf(scenes.leakInTransaction().snapshot).map(
    ({ severity }) => severity,
  );
  expect(severities[0]).toBe('critical');
  expect(severities).toEqual(severities.toSorted((a, b) => order(a) - order(b)));
});

function order(severity: Severity): number {
  return ['critical', 'warning', 'info'].indexOf(severity);
}

test('on a small server a tenth of the slots replaces the five free ones', () => {
  const small = (clients: number): Snapshot =>
    aSnapshot(
      counted({ capacity: { ...aReading().capacity, maxConnections: 20 }, counts: { clients } }),
    );
  // 17 usable: 13 is 76%, 14 is 82% with 3 free, 16 is 94%.
  expect(findingsOf(small(13)).map(({ id }) => id)).not.toContain('capacity-warning');
  expect(findingsOf(small(14)).map(({ id }) => id)).toContain('capacity-warning');
  expect(findingsOf(small(16)).map(({ id }) => id)).toContain('capacity-critical');
});

test('without pg_monitor the figures that are too low judge nothing, and the GRANT names the role', () => {
  const found = findingsOf(
    aSnapshot(
      counted({
        counts: { clients: 60, hidden: 9 },
        visibility: { ...aReading().visibility, monitor: false, role: 'look "er' },
      }),
    ),
  );
  expect(found.filter(({ severity }) => severity === 'critical')).toEqual([]);
  expect(found[0]?.id).toBe('no-pg-monitor');
  expect(found[0]?.fix).toBe('GRANT pg_monitor TO "look ""er";');
});

test('before PostgreSQL 18 half-open logins are told by the process titles', () => {
  const services = {
    services: [aServiceReading()],
    postgresProcesses: {
      clients: 30,
      authenticating: 20,
      idle: 10,
      idleInTransaction: 0,
      active: 0,
      sources: [],
    },
  };
  const snapshot = aSnapshot({ reading: aReading({ version: 150_018 }), services });
  expect(findingsOf(snapshot)).toMatchObject([
    { id: 'half-open-logins', severity: 'critical', figure: { value: 20 } },
  ]);
});

test('a full server with nothing half open is not said to have any', () => {
  const snapshot = aSnapshot({
    reading: aReading({ counts: { clients: 97 } }),
    reach: { ...full, via: 'reserved' },
  });
  expect(findingsOf(snapshot).map(({ id }) => id)).not.toContain('half-open-logins');
});

test('idle members of a pool alone are no trouble', () => {
  const snapshot = aSnapshot(counted({ counts: { idleOverTerminate: 8 } }));
  expect(findingsOf(snapshot)).toMatchObject([{ id: 'terminate-candidates', severity: 'info' }]);
});

test('overcommitted pools warn only when slots run short', () => {
  const services = {
    services: [aServiceReading({ replicas: replicas(9, { size: 10, maxOverflow: 5 }) })],
  };
  const snapshot = aSnapshot({ reading: aReading({ counts: { clients: 80 } }), services });
  expect(findingsOf(snapshot).find(({ id }) => id === 'budget-can-exhaust')?.severity).toBe(
    'warning',
  );
});

test('a pool at its limit is critical when requests gave up on it', () => {
  const snapshot = aSnapshot({
    pools: [aPool({ checkedOut: 15, utilisation: 1 })],
    logs: [lines('pool-timeout', 2)],
  });
  expect(findingsOf(snapshot)[0]).toMatchObject({ id: 'pool-near-limit', severity: 'critical' });
});

test('what is not configured is no finding', () => {
  const none = aProblem('not-configured');
  expect(findingsOf(aSnapshot({ pools: none, logs: none, services: none }))).toEqual([]);
});
