import { expect, test } from 'vitest';
import { diagnose } from '../../../src/runbook/diagnose/diagnose.ts';
import type { Proposal } from '../../../src/runbook/diagnose/diagnosis.ts';
import type { DiagnoseInput } from '../../../src/runbook/diagnose/evidence.ts';
import {
  aPool,
  aProblem,
  aReading,
  aReplica,
  aServiceReading,
  aSnapshot,
  aSource,
  aTarget,
  aWaiter,
  locksOf,
  refused,
  replicas,
  sessions,
  restartPids,
} from './builders.ts';
import { recordAnswer } from '../../record/recorded.ts';
import * as scenes from './scenes.ts';
import { containing } from './matchers.ts';

restartPids();

function proposalsOf(input: DiagnoseInput): Proposal[] {
  return recordAnswer('proposals', diagnose(input).proposals);
}

function letters(input: DiagnoseInput): string[] {
  return proposalsOf(input).map(({ option }) => option);
}

test('a healthy server needs nothing', () => {
  expect(proposalsOf(scenes.input())).toEqual([]);
});

test('a busy server near its limit is left alone', () => {
  expect(proposalsOf(scenes.healthyBusy())).toEqual([]);
});

test('a leak is answered by A for the old ones, then by a restart of its service', () => {
  const [terminate, restart, ...others] = proposalsOf(scenes.leakInTransaction());
  expect(terminate).toMatchObject({ option: 'A', slotsFreed: 30, blocked: null });
  expect(restart).toMatchObject({ option: 'C', subject: 'backend', slotsFreed: 79, blocked: null });
  expect(others).toEqual([]);
});

test('scaled-up services get smaller pools before max_connections is touched', () => {
  const proposals = proposalsOf(scenes.scaling());
  expect(proposals.map(({ option }) => option)).toEqual(['E', 'B']);
  expect(proposals[0]).toMatchObject({ subject: 'backend', slotsFreed: 24 });
  expect(proposals[0]?.summary).toContain('DATABASE_POOL_SIZE=4 and DATABASE_MAX_OVERFLOW=2');
  expect(proposals[1]).toMatchObject({ slotsFreed: 50, blocked: null });
});

test('a pool too large shrinks to what leaves room for the others', () => {
  expect(proposalsOf(scenes.poolTooLarge()).find(({ option }) => option === 'E')).toMatchObject({
    subject: 'backend',
    slotsFreed: 16,
    summary: containing('from 90 + 0 to DATABASE_POOL_SIZE=48 and DATABASE_MAX_OVERFLOW=24'),
  });
});

test('a pool too small grows, and frees nothing', () => {
  expect(proposalsOf(scenes.poolTooSmall())).toMatchObject([
    {
      option: 'E',
      subject: 'backend',
      slotsFreed: 0,
      summary: containing('DATABASE_POOL_SIZE=3 and DATABASE_MAX_OVERFLOW=1'),
    },
  ]);
});

test('lock contention is answered at the root', () => {
  const [stop] = proposalsOf(scenes.lockContention());
  expect(stop).toMatchObject({ option: 'D', slotsFreed: 1, blocked: null });
  expect(stop?.summary).toContain('40 sessions behind it can continue');
});

test('queued DDL is cancelled, and its blocker is left alone: it holds up nobody else', () => {
  const reader = sessions(1, () => ({ pid: 1, state: 'idle in transaction', stateAgeSeconds: 30 }));
  const waiters = [
    aWaiter(2, [1], { lock: 'relation AccessExclusiveLock' }),
    ...Array.from({ length: 6 }, (_, index) =>
      aWaiter(10 + index, [2], { lock: 'relation AccessShareLock' }),
    ),
  ];
  const snapshot = aSnapshot({ reading: aReading({ sessions: reader, locks: locksOf(waiters) }) });
  expect(proposalsOf(scenes.input({ snapshot }))).toMatchObject([
    {
      option: 'D',
      subject: '2',
      slotsFreed: 0,
      summary: containing('6 sessions behind it'),
    },
  ]);
});

test('a running root is cancelled before it is terminated', () => {
  const root = sessions(1, () => ({
    pid: 1,
    state: 'active',
    queryAgeSeconds: 90,
    waitEventType: null,
    waitEvent: null,
  }));
  const snapshot = aSnapshot({
    reading: aReading({ sessions: root, locks: locksOf([aWaiter(2, [1])]) }),
  });
  expect(proposalsOf(scenes.input({ snapshot }))[0]?.summary).toMatch(
    /^Cancel root blocker \d+, or end its session if needed/,
  );
});

test('a prepared transaction has no button, and the reason says what to do', () => {
  const snapshot = aSnapshot({
    reading: aReading({ locks: locksOf([aWaiter(2, [0], { prepared: ['order-7'] })]) }),
  });
  expect(proposalsOf(scenes.input({ snapshot }))).toMatchObject([
    { option: 'D', blocked: containing('ROLLBACK PREPARED') },
  ]);
});

test('without pg_signal_backend A is blocked by name of the grant, and C stands in', () => {
  const scene = scenes.leakInTransaction();
  const reading = scene.snapshot.database.reading ?? aReading();
  const snapshot = {
    ...scene.snapshot,
    database: {
      ...scene.snapshot.database,
      reading: { ...reading, visibility: { ...reading.visibility, canSignal: false } },
    },
  };
  const [terminate, restart] = proposalsOf({ ...scene, snapshot });
  expect(terminate?.blocked).toContain('GRANT pg_signal_backend TO "dbconn"');
  expect(restart).toMatchObject({ option: 'C', blocked: null });
});

test('with a role of its own for it A can be proposed, and without one it says what to set', () => {
  const scene = scenes.leakInTransaction();
  const first = (canAct: boolean): Proposal | undefined =>
    proposalsOf({ ...scene, target: { ...scene.target, canAct } })[0];
  expect(first(true)).toMatchObject({ option: 'A', blocked: null, command: 'propose A' });
  expect(first(false)?.blocked).toContain('set actingUrl');
  expect(first(false)).toMatchObject({ command: 'propose A' });
});

test('superusers can be ended only where their role is listed and a role of its own is set', () => {
  const reading = aReading({
    counts: { clients: 95, idle: 90, idleInTransactionOverTerminate: 9, superuser: 90 },
    sources: [aSource({ total: 90, idle: 80, idleInTransactionOverTerminate: 9 })],
    sessions: sessions(20, () => ({ superuser: true, canSignal: false, user: 'owner' })),
  });
  const scene = scenes.input({ snapshot: aSnapshot({ reading }) });
  const blocked = (applicationRoles: string[]): string | null | undefined =>
    proposalsOf({ ...scene, target: { ...scene.target, canAct: true, applicationRoles } }).find(
      ({ option }) => option === 'A',
    )?.blocked;
  expect(blocked(['owner'])).toBeNull();
  expect(blocked([])).toContain('superuser');
});

test('an application that is superuser leaves C, and A says why it is missing', () => {
  const reading = aReading({
    counts: { clients: 95, idle: 90, idleInTransactionOverTerminate: 9, superuser: 90 },
    sources: [aSource({ total: 90, idle: 80, idleInTransactionOverTerminate: 9 })],
    sessions: sessions(20, () => ({ superuser: true, canSignal: false })),
  });
  const proposals = proposalsOf(scenes.input({ snapshot: aSnapshot({ reading }) }));
  expect(proposals.find(({ option }) => option === 'A')?.blocked).toContain('superuser');
  expect(proposals.find(({ option }) => option === 'C')).toMatchObject({
    subject: 'backend',
    blocked: null,
  });
});

test('what A would skip as a superuser has no button, and comes after what can be done', () => {
  const reading = aReading({
    counts: { clients: 95, idle: 80, idleInTransactionOverTerminate: 9, superuser: 95 },
    sources: [
      aSource({ user: 'postgres', total: 95, idle: 80, idleInTransactionOverTerminate: 9 }),
    ],
    sessions: sessions(20, () => ({ superuser: true, canSignal: false, user: 'postgres' })),
    superuserRoles: [{ name: 'postgres', isBootstrap: true }],
  });
  const scene = scenes.input({ snapshot: aSnapshot({ reading }) });
  const offered = (applicationRoles: string[]): readonly (string | undefined)[] =>
    proposalsOf({ ...scene, target: { ...scene.target, canAct: true, applicationRoles } }).map(
      ({ option, command }) => command ?? `${option} without a button`,
    );
  expect(offered([])[0]).toBe('propose C backend');
  expect(offered([])).toContain('A without a button');
  expect(offered(['postgres'])[0]).toBe('propose A');
});

test('protected applications are not counted among those to end', () => {
  const reading = aReading({
    counts: { clients: 40, idleInTransactionOverTerminate: 5 },
    sources: [
      aSource({ application: 'pg_dump', idleInTransactionOverTerminate: 3 }),
      aSource({ idleInTransactionOverTerminate: 2 }),
    ],
  });
  const target = aTarget({ protectedApplications: ['pg_dump'] });
  expect(proposalsOf({ snapshot: aSnapshot({ reading }), target, recent: [] })[0]).toMatchObject({
    slotsFreed: 2,
  });
});

test('a value from the command line blocks B', () => {
  const scene = scenes.scaling();
  const reading = scene.snapshot.database.reading ?? aReading();
  const settings = reading.settings.map((setting) => ({ ...setting, source: 'command line' }));
  const snapshot = {
    ...scene.snapshot,
    database: { ...scene.snapshot.database, reading: { ...reading, settings } },
  };
  expect(
    proposalsOf({ ...scene, snapshot }).find(({ option }) => option === 'B')?.blocked,
  ).toContain('command line');
});

test('E can be proposed where nothing is known against it, and without the directory of .env it says what to set', () => {
  const scene = scenes.poolTooLarge();
  const resize = (canResize?: boolean): Proposal | undefined => {
    const target = { ...scene.target, ...(canResize !== undefined && { canResize }) };
    return proposalsOf({ ...scene, target }).find(({ option }) => option === 'E');
  };
  expect(resize()).toMatchObject({ blocked: null, command: 'propose E backend' });
  expect(resize(true)?.blocked).toBeNull();
  expect(resize(false)?.blocked).toContain('set compose.directory');
  expect(resize(false)).toMatchObject({ command: 'propose E backend' });
});

test('without Docker C and E say so', () => {
  const scene = scenes.leakIdle();
  const snapshot = {
    ...scene.snapshot,
    services: { ok: false, tookMs: 1, problem: aProblem('forbidden') } as const,
  };
  expect(
    proposalsOf({ ...scene, snapshot }).find(({ option }) => option === 'C')?.blocked,
  ).toContain('Docker');
});

test('a full server that lets nobody in is answered by a restart of the largest service', () => {
  const snapshot = aSnapshot({
    reading: null,
    reach: refused('full', { scope: 'server' }),
    pools: [aPool()],
    services: {
      services: [
        aServiceReading({ replicas: [aReplica()] }),
        aServiceReading({ name: 'worker', replicas: replicas(1, { size: 2, maxOverflow: 0 }) }),
      ],
      postgresProcesses: {
        clients: 97,
        authenticating: 0,
        idle: 90,
        idleInTransaction: 0,
        active: 7,
        sources: [
          { user: 'app', database: 'shop', client: '10.0.0.5', total: 90 },
          { user: 'app', database: 'shop', client: '10.0.1.1', total: 7 },
        ],
      },
    },
  });
  expect(letters(scenes.input({ snapshot }))).toContain('C');
  expect(
    proposalsOf(scenes.input({ snapshot })).find(({ option }) => option === 'C'),
  ).toMatchObject({
    subject: 'backend',
    slotsFreed: 90,
  });
});

test('nothing is proposed from sessions that cannot be seen', () => {
  const reading = aReading({ counts: { clients: 95, hidden: 90 } });
  expect(proposalsOf(scenes.input({ snapshot: aSnapshot({ reading }) }))).toEqual([]);
});

test.for([
  ['of dead connections', scenes.deadPool],
  ['that waits for itself', scenes.poolWaitsForItself],
] as const)('a pool %s is restarted, and never made larger', ([, scene]) => {
  const { proposals, verdict } = diagnose(scene());
  expect(proposals[0]).toMatchObject({
    option: 'C',
    subject: 'backend',
    command: 'propose C backend',
  });
  expect(proposals.map(({ option }) => option)).not.toContain('E');
  expect(verdict).not.toContain('too small');
});

test('no pool is resized from numbers that nobody read', () => {
  const scene = scenes.scaling();
  const unread = aServiceReading({ replicas: replicas(12, { size: null, maxOverflow: null }) });
  const snapshot = {
    ...scene.snapshot,
    pools: aSnapshot({ pools: [] }).pools,
    services: aSnapshot({ services: { services: [unread] } }).services,
  };
  expect(letters({ ...scene, snapshot })).not.toContain('E');
});

test('the pool of a service that strangers squeeze out is left alone', () => {
  const scene = scenes.scaling();
  const reading = aReading({
    counts: { clients: 97, active: 9, idle: 88, newIn300s: 60 },
    sources: [
      aSource({ application: 'dashboards', user: 'bi', client: '10.9.0.1', total: 92, idle: 88 }),
      aSource({ client: '10.0.1.1', total: 5, active: 5, idle: 0 }),
    ],
    sessions: sessions(20, () => ({ stateAgeSeconds: 45 })),
  });
  const database = { ...scene.snapshot.database, reading };
  expect(letters({ ...scene, snapshot: { ...scene.snapshot, database } })).not.toContain('E');
});
