import { expect, test } from 'vitest';
import { findCauses } from '../../../src/runbook/diagnose/causes.ts';
import type { CauseName } from '../../../src/runbook/diagnose/diagnosis.ts';
import { gatherEvidence } from '../../../src/runbook/diagnose/evidence.ts';
import { findAll } from '../../../src/runbook/diagnose/diagnose.ts';
import type { DiagnoseInput } from '../../../src/runbook/diagnose/evidence.ts';
import type { DatabaseReading, Snapshot } from '../../../src/runbook/snapshot/snapshot.ts';
import {
  aPool,
  aProblem,
  aReading,
  aServiceReading,
  aSession,
  aSnapshot,
  aSource,
  aTarget,
  lines,
  locksOf,
  refused,
  replicas,
  sessions,
  restartPids,
} from './builders.ts';
import { recordAnswer } from '../../record/recorded.ts';
import type { SnapshotParts } from './builders.ts';
import * as scenes from './scenes.ts';

restartPids();

function causesOf(input: DiagnoseInput): ReturnType<typeof findCauses> {
  const evidence = gatherEvidence(input);
  return recordAnswer('causes', findCauses(evidence, findAll(evidence)));
}

function names(input: DiagnoseInput): CauseName[] {
  return causesOf(input).map(({ cause }) => cause);
}

function withReading(scene: DiagnoseInput, reading: DatabaseReading): Snapshot {
  return { ...scene.snapshot, database: { ...scene.snapshot.database, reading } };
}

const recognised: readonly [string, CauseName, () => DiagnoseInput][] = [
  ['sessions left in a transaction by one statement', 'connection-leak', scenes.leakInTransaction],
  ['idle sessions that the pool counts as in use', 'connection-leak', scenes.leakIdle],
  ['dozens of queries that run for minutes', 'slow-queries', scenes.slowQueries],
  [
    'old transactions of many statements that wrote',
    'uncommitted-transactions',
    scenes.uncommitted,
  ],
  ['twelve fresh replicas with small pools', 'application-scaling', scenes.scaling],
  [
    'one process with a pool of nearly the whole server',
    'pool-misconfiguration',
    scenes.poolTooLarge,
  ],
  ['a pool of two on an empty server', 'pool-misconfiguration', scenes.poolTooSmall],
  ['forty sessions behind one row', 'lock-contention', scenes.lockContention],
  ['a pool of connections that PostgreSQL has ended', 'connection-leak', scenes.deadPool],
  ['a pool whose requests wait for a second one', 'connection-leak', scenes.poolWaitsForItself],
];

test.for(recognised)('%s are recognised as %s', ([, cause, scene]) => {
  const [first, second] = causesOf(scene());
  expect(first?.cause).toBe(cause);
  expect(first?.confidence).toBeGreaterThanOrEqual(0.6);
  expect(first?.because.length).toBeGreaterThanOrEqual(2);
  expect((first?.confidence ?? 0) - (second?.confidence ?? 0)).toBeGreaterThanOrEqual(0.15);
});

test('a quiet server has no cause', () => {
  expect(causesOf(scenes.input())).toEqual([]);
});

test('a busy server at 85% with short queries has no cause, although its pools could exhaust it', () => {
  const evidence = gatherEvidence(scenes.healthyBusy());
  expect(evidence.budget.canExhaust).toBe(true);
  expect(findCauses(evidence, findAll(evidence))).toEqual([]);
});

test('two causes at once are both named as likely', () => {
  const causes = causesOf(scenes.slowAndUncommitted());
  expect(causes.map(({ cause }) => cause).toSorted()).toEqual([
    'slow-queries',
    'uncommitted-transactions',
  ]);
  for (const { confidence } of causes) expect(confidence).toBeGreaterThanOrEqual(0.6);
});

test('a single forgotten transaction on a full server is not blamed for it', () => {
  const scene = scenes.healthyBusy();
  const forgotten = sessions(1, () => ({ state: 'idle in transaction', stateAgeSeconds: 400 }));
  const reading = scene.snapshot.database.reading ?? aReading();
  const snapshot = withReading(scene, {
    ...reading,
    counts: { ...reading.counts, idleInTransactionOverWarning: 1 },
    sessions: [...reading.sessions, ...forgotten],
  });
  expect(names({ ...scene, snapshot })).toEqual([]);
});

test('a missing COMMIT in one place names both the leak and the uncommitted transactions', () => {
  const scene = scenes.leakInTransaction();
  const reading = scene.snapshot.database.reading ?? aReading();
  const snapshot = withReading(scene, {
    ...reading,
    sessions: reading.sessions.map((one) => ({ ...one, hasWritten: true })),
  });
  expect(names({ ...scene, snapshot }).toSorted()).toEqual([
    'connection-leak',
    'uncommitted-transactions',
  ]);
});

test('many replicas are not blamed when all their pools together fit the server', () => {
  const scene = scenes.scaling();
  const services = {
    services: [aServiceReading({ replicas: replicas(12, { size: 2, maxOverflow: 1 }) })],
  };
  const reading = aReading({
    counts: { clients: 91, active: 1, idle: 90 },
    sources: [aSource({ application: 'cron', client: '10.9.9.9', total: 91, idle: 90 })],
    sessions: sessions(20, () => ({ stateAgeSeconds: 100 })),
  });
  expect(names({ ...scene, snapshot: aSnapshot({ reading, services }) })).not.toContain(
    'application-scaling',
  );
});

test('a large pool that is at work is demand, not misconfiguration', () => {
  const scene = scenes.poolTooLarge();
  const reading = aReading({
    counts: { clients: 93, active: 80, idle: 13 },
    sources: [aSource({ total: 90, active: 80, idle: 10 })],
    sessions: sessions(20, () => ({ state: 'active', queryAgeSeconds: 0.1, stateAgeSeconds: 0.1 })),
  });
  expect(
    names({
      ...scene,
      snapshot: withReading(scene, reading),
    }),
  ).toEqual([]);
});

test('a dry pool whose connections run slow queries is not called too small', () => {
  const scene = scenes.poolTooSmall();
  const reading = aReading({
    counts: { clients: 5, active: 2, idle: 3, slowQueries: 2 },
    sources: [aSource({ total: 2, active: 2, idle: 0 })],
    sessions: sessions(2, () => ({ state: 'active', queryAgeSeconds: 200, stateAgeSeconds: 200 })),
  });
  const found = names({
    ...scene,
    snapshot: withReading(scene, reading),
  });
  expect(found).toEqual(['slow-queries']);
});

test('a pool that is all in use for a moment is not too small, unless its log cannot say whether anybody waits', () => {
  const scene = scenes.poolTooSmall();
  const withLogs = (logs: SnapshotParts['logs'] & object): DiagnoseInput => ({
    ...scene,
    snapshot: { ...scene.snapshot, logs: aSnapshot({ logs }).logs },
  });
  expect(names(withLogs([]))).toEqual([]);
  const [unheard] = causesOf(withLogs(aProblem('unreachable')));
  expect(unheard?.summary).toContain('may be too small');
});

test('where PostgreSQL does not tell since when a session waits, the age of its query does', () => {
  const scene = scenes.lockContention();
  const reading = scene.snapshot.database.reading ?? aReading();
  const { waiters } = reading.locks;
  const old = withReading(scene, {
    ...reading,
    locks: locksOf(waiters.map((waiter) => ({ ...waiter, waitSeconds: null }))),
    sessions: waiters.map(({ pid }) => aSession({ pid, state: 'active', queryAgeSeconds: 60 })),
  });
  const [cause] = causesOf({ ...scene, snapshot: old });
  expect(cause?.cause).toBe('lock-contention');
  expect(cause?.because[0]).toContain('the longest for 60 seconds');
});

test('deadlocks in the logs alone raise a suspicion and say that nobody waits now', () => {
  const [cause, ...others] = causesOf({
    ...scenes.input(),
    snapshot: aSnapshot({ logs: [lines('deadlock', 3)] }),
  });
  expect(others).toEqual([]);
  expect(cause?.cause).toBe('lock-contention');
  expect(cause?.against).toContain('No session waits for a lock right now.');
});

test('without a connection the process titles raise suspicions of low confidence only', () => {
  const causes = causesOf({
    ...scenes.input(),
    snapshot: aSnapshot({
      reading: null,
      reach: refused('full', { scope: 'server' }),
      pools: [aPool({ checkedOut: 15, utilisation: 1 })],
      services: {
        services: [aServiceReading()],
        postgresProcesses: {
          clients: 97,
          authenticating: 0,
          idle: 20,
          idleInTransaction: 70,
          active: 7,
          sources: [{ user: 'app', database: 'shop', client: '10.0.0.5', total: 90 }],
        },
      },
    }),
  });
  expect(causes.map(({ cause }) => cause)).toContain('connection-leak');
  for (const { confidence } of causes) expect(confidence).toBeLessThan(0.9);
});

test('without pg_monitor nothing is concluded from the few sessions that can be seen', () => {
  const scene = scenes.leakInTransaction();
  const reading = scene.snapshot.database.reading ?? aReading();
  const hidden = {
    ...reading,
    counts: { ...reading.counts, clients: 30, hidden: 60 },
    visibility: { ...reading.visibility, monitor: false },
  };
  const snapshot = withReading(scene, hidden);
  expect(names({ ...scene, snapshot })).toEqual([]);
});

test('where the seen ones alone fill the server, the cause is named from them, by their share of all', () => {
  const scene = scenes.leakInTransaction();
  const reading = scene.snapshot.database.reading ?? aReading();
  const half = (hidden: number): DiagnoseInput => {
    const seen = {
      ...reading,
      counts: { ...reading.counts, hidden },
      visibility: { ...reading.visibility, monitor: false },
    };
    return {
      ...scene,
      snapshot: withReading(
        { ...scene, snapshot: { ...scene.snapshot, pools: aSnapshot({ pools: [] }).pools } },
        seen,
      ),
    };
  };
  expect(names(half(1))).toContain('connection-leak');
  expect(names(half(900))).toEqual([]);
});

test('thresholds of seconds move with the limits: a patient of minutes recognises nothing yet', () => {
  const scene = scenes.uncommitted();
  const target = aTarget({
    limits: { ...aTarget().limits, idleInTransactionWarningMs: 3_600_000 },
  });
  const reading = scene.snapshot.database.reading ?? aReading();
  const young = { ...reading, counts: { ...reading.counts, idleInTransactionOverWarning: 0 } };
  expect(
    names({
      ...scene,
      target,
      snapshot: withReading(scene, young),
    }),
  ).not.toContain('uncommitted-transactions');
});

test('waiters that could only be counted are lock contention, whose roots nobody claims to know', () => {
  const reading = aReading({
    counts: { clients: 820, active: 801, idle: 19, lockWaiting: 800 },
    locks: { waiters: [], waitersTotal: 800, askedTotal: 0 },
    lockManagerBusy: { sessions: 600 },
    sessionsTruncated: true,
  });
  const input = { snapshot: aSnapshot({ reading }), target: aTarget(), recent: [] };
  const [first] = causesOf(input);
  expect(first).toMatchObject({ cause: 'lock-contention', against: [] });
  expect(first?.confidence).toBeGreaterThan(0.6);
  expect(first?.because[0]).toContain('800 sessions wait for locks');
  expect(first?.summary).not.toContain('root');
});

test.for([
  { used: 84, left: 3 },
  { used: 3_000, left: 40 },
])('$left forgotten transactions of $used connections are not why it is full', ({ used, left }) => {
  const forgotten = sessions(left, (index) => ({
    state: 'idle in transaction',
    stateAgeSeconds: 60 + index * 40,
    transactionAgeSeconds: 61 + index * 40,
    fingerprint: 'leak',
  }));
  const idle = sessions(20, () => ({ stateAgeSeconds: 40 }));
  const sources = ['orders', 'billing', 'search'].map((application) =>
    aSource({
      application,
      client: null,
      total: Math.floor((used - left) / 3),
      idle: Math.floor((used - left) / 3),
    }),
  );
  const found = names({
    snapshot: aSnapshot({
      reading: aReading({
        counts: { clients: used, active: 0, idle: used - left, idleInTransaction: left },
        sources: [...sources, aSource({ total: left, idle: 0, idleInTransaction: left })],
        sessions: [...forgotten, ...idle],
      }),
      pools: [],
    }),
    target: aTarget(),
    recent: [],
  });
  expect(found).not.toContain('connection-leak');
});
