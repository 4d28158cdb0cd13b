import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { diagnose } from '../../../src/runbook/diagnose/diagnose.ts';
import type { Diagnosis, Finding } from '../../../src/runbook/diagnose/diagnosis.ts';
import type { PoolerPool, PoolerReading } from '../../../src/runbook/snapshot/readings.ts';
import type { Target } from '../../../src/runbook/snapshot/target.ts';
import type { SnapshotParts } from './builders.ts';
import {
  aProblem,
  aReading,
  aReplica,
  aService,
  aServiceReading,
  aSnapshot,
  aSource,
  aTarget,
} from './builders.ts';
import { aPoolerLook, aPoolerPool, aPoolerReading } from './pooler-builders.ts';

function look(parts: SnapshotParts, target: Partial<Target> = {}): Diagnosis {
  return diagnose({ snapshot: aSnapshot(parts), target: aTarget(target), recent: [] });
}

/** A server whose sessions all belong to the pooler, so many of so many slots. */
function heldByPooler(total: number): NonNullable<SnapshotParts['reading']> {
  return aReading({
    sources: [aSource({ client: '10.0.0.9', total, idle: total })],
    counts: { clients: total, idle: total },
  });
}

function withReading(overrides: Partial<PoolerReading>): SnapshotParts {
  return { poolers: [aPoolerLook({ reading: aPoolerReading(overrides) })] };
}

function withPool(overrides: Partial<PoolerPool>): SnapshotParts {
  return withReading({ pools: [aPoolerPool(overrides)] });
}

const queued = {
  clientsWaiting: 30,
  longestWaitSeconds: 7,
  servers: 20,
  fullBy: 'pool_size',
} as const;

const fires: readonly [id: string, severity: Finding['severity'], parts: SnapshotParts][] = [
  ['pooler-unread', 'warning', { poolers: [aPoolerLook({ problem: aProblem('timeout') })] }],
  ['pooler-queue', 'critical', withPool(queued)],
  ['pooler-queue', 'warning', withPool({ ...queued, clientsWaiting: 3, longestWaitSeconds: 2 })],
  // Few of many, but for longer than PgBouncer itself lets them wait in silence.
  ['pooler-queue', 'critical', withPool({ ...queued, clientsWaiting: 1 })],
  [
    'pooler-queue',
    'critical',
    withPool({ ...queued, mode: 'session', clientsWaiting: 1, longestWaitSeconds: 1 }),
  ],
  ['pooler-clients-near-limit', 'warning', withReading({ clients: 85 })],
  ['pooler-clients-near-limit', 'critical', withReading({ clients: 100 })],
  [
    'pooler-clients-near-limit',
    'critical',
    withReading({ clientLimits: [{ kind: 'user', name: 'app', limit: 5, used: 5 }] }),
  ],
  [
    'pooler-budget',
    'warning',
    {
      reading: heldByPooler(82),
      poolers: [aPoolerLook({ replicas: 6, reading: aPoolerReading({ servers: 82 }) })],
    },
  ],
];

test.for(fires)('%s is %s', ([id, severity, parts]) => {
  const { findings } = look(parts);
  expect(findings.filter((one) => one.id === id).map((one) => one.severity)).toEqual([severity]);
});

test('every finding of the file fires here', () => {
  const file = new URL('../../../src/runbook/diagnose/findings/poolers.ts', import.meta.url);
  const ids = [...readFileSync(file, 'utf8').matchAll(/\bid: '([a-z-]+)'/g)].map(([, id]) => id);
  expect(ids.length).toBeGreaterThan(3);
  expect(ids.filter((id) => !fires.some(([fired]) => fired === id))).toEqual([]);
});

test('a pooler that works is no finding, and neither is a wait of milliseconds', () => {
  const pools = [aPoolerPool({ clientsWaiting: 60, longestWaitSeconds: 0.2, fullBy: 'pool_size' })];
  const { findings, state, headline } = look(withReading({ pools }));
  expect(findings).toEqual([]);
  expect(state).toBe('fine');
  expect(headline).not.toContain('PgBouncer');
});

const reasons: readonly [PoolerPool['fullBy'], said: string, fix: string][] = [
  ['pool_size', 'are in use (pool_size)', 'raise pool_size (or default_pool_size)'],
  ['max_db_connections', 'are in use (max_db_connections)', 'raise max_db_connections'],
  ['max_user_connections', 'are in use (max_user_connections)', 'raise max_user_connections'],
  ['paused', 'paused', 'RESUME'],
  [null, 'opens no more', 'Check the log of PgBouncer'],
];

test.for(reasons)('a queue behind %s says so, and what to change', ([fullBy, said, fix]) => {
  const { findings } = look(withPool({ ...queued, fullBy }));
  const found = findings.find(({ id }) => id === 'pooler-queue');
  expect(found?.summary).toContain(said);
  expect(found?.fix).toContain(fix);
});

test('where PostgreSQL has no room, no larger pool is advised', () => {
  const { findings } = look({ ...withPool(queued), reading: heldByPooler(90) });
  const found = findings.find(({ id }) => id === 'pooler-queue');
  expect(found?.fix).toContain('Free slots in PostgreSQL first');
});

test('queues in several poolers are one number in the headline', () => {
  const reading = aPoolerReading({ pools: [aPoolerPool(queued)] });
  const poolers = ['web', 'jobs'].map((name) => aPoolerLook({ name, reading }));
  expect(look({ poolers }).headline).toMatch(/^60 clients wait in 2 poolers; /);
});

test('no name of a database, a user or an application stands in a sentence', () => {
  const untrusted = '<!channel>';
  const { headline, verdict, findings } = look({
    poolers: [
      aPoolerLook({
        reading: aPoolerReading({
          pools: [aPoolerPool({ ...queued, database: untrusted, user: untrusted })],
          clientLimits: [{ kind: 'database', name: untrusted, limit: 1, used: 1 }],
          clientSources: [{ client: null, application: untrusted, total: 30, waiting: 30 }],
        }),
      }),
    ],
  });
  const said = [headline, verdict, ...findings.flatMap(({ summary, fix }) => [summary, fix ?? ''])];
  expect(said.join(' ')).not.toContain('channel');
});

test('a service that also connects by itself keeps its line in the budget', () => {
  const reading = aReading({
    sources: [aSource({ client: '10.0.0.9', total: 6 }), aSource({ client: '10.0.0.5', total: 4 })],
    counts: { clients: 11 },
  });
  const { budget, holders } = look({ reading, poolers: [aPoolerLook()] });
  expect(budget.lines.map(({ service, holds }) => [service, holds])).toEqual([['backend', 4]]);
  expect(holders.map(({ name, total }) => [name, total])).toEqual([
    ['PgBouncer', 6],
    ['backend', 4],
  ]);
  // 15 of its own, 20 of the pooler, and dbconn's session.
  expect(budget.mayOpen).toBe(36);
});

test('a pooler whose address is translated on the way is still told by its user and database', () => {
  const reading = aReading({
    sources: [aSource({ client: '172.17.0.1', application: '', total: 6 })],
    counts: { clients: 7 },
  });
  const { sources } = look({ reading, poolers: [aPoolerLook()] });
  expect(sources).toMatchObject([{ pooler: 'PgBouncer', service: null }]);
});

test('a pooler that is a service of the project counts once for each of its containers', () => {
  const replicas = ['10.0.0.9', '10.0.0.10', '10.0.0.11'].map((address) =>
    aReplica({ addresses: [address] }),
  );
  const { budget, holders } = look(
    {
      reading: aReading({
        sources: [aSource({ client: '10.0.0.9', total: 6 }), aSource({ client: '10.0.0.10' })],
      }),
      services: { services: [aServiceReading(), aServiceReading({ name: 'pgb', replicas })] },
      poolers: [aPoolerLook({ name: 'pgb' })],
    },
    { services: [aService(), aService({ name: 'pgb' })] },
  );
  expect(budget.poolers).toEqual([{ name: 'pgb', replicas: 3, mayOpen: 60, holds: 6 }]);
  expect(budget.lines).toEqual([]);
  expect(holders).toMatchObject([{ name: 'pgb', service: null, total: 7 }]);
});
