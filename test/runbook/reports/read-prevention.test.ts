import { expect, test } from 'vitest';
import { diagnose } from '../../../src/runbook/diagnose/diagnose.ts';
import type { SettingReading, Snapshot } from '../../../src/runbook/snapshot/snapshot.ts';
import type { PreventionCheck } from '../../../src/runbook/reports/report.ts';
import { readPrevention } from '../../../src/runbook/reports/prevention.ts';
import { parseRemedyCommand } from '../../../src/runbook/commands/parse-remedy.ts';
import type { Target } from '../../../src/runbook/snapshot/target.ts';
import {
  aProblem,
  aReading,
  aReplica,
  aServiceReading,
  aSnapshot,
  aSource,
  aTarget,
  replicas,
  sessions,
} from '../diagnose/builders.ts';
import { aPoolerLook, aPoolerPool, aPoolerReading } from '../diagnose/pooler-builders.ts';

function setting(name: string, value: string, source = 'configuration file'): SettingReading {
  return { name, value, unit: null, source, pendingRestart: false };
}

const runbooks = [
  setting('idle_in_transaction_session_timeout', '600000'),
  setting('idle_session_timeout', '0'),
  setting('reserved_connections', '2'),
];

function checks(snapshot: Snapshot, changes: Partial<Target> = {}): readonly PreventionCheck[] {
  const target = aTarget({ canResize: true, ...changes });
  const diagnosis = diagnose({ snapshot, target, recent: [] });
  return readPrevention({ snapshot, target, diagnosis }).checks;
}

function find(all: readonly PreventionCheck[], start: string): PreventionCheck | undefined {
  return all.find(({ setting: name }) => name.startsWith(start));
}

test('what is as the runbook wants it is all fine, and nothing is proposed', () => {
  const all = checks(aSnapshot({ reading: aReading({ settings: runbooks }) }));
  expect(all.filter(({ state }) => state !== 'ok')).toEqual([]);
  expect(all.flatMap(({ command }) => command ?? [])).toEqual([]);
  expect(all.map(({ setting: name }) => name)).toEqual([
    'DATABASE_POOL_SIZE and DATABASE_MAX_OVERFLOW of backend',
    'DATABASE_POOL_TIMEOUT of backend',
    'DATABASE_POOL_RECYCLE of backend',
    'DATABASE_POOL_PRE_PING of backend',
    'idle_in_transaction_session_timeout',
    'idle_session_timeout',
    'reserved_connections',
    'PgBouncer',
  ]);
});

test('every command it gives can be typed', () => {
  const settings = [
    setting('idle_in_transaction_session_timeout', '0'),
    setting('idle_session_timeout', '60000'),
  ];
  const services = [aServiceReading({ replicas: replicas(4, { size: 20, maxOverflow: 10 }) })];
  const all = checks(aSnapshot({ reading: aReading({ settings }), services: { services } }));
  const commands = all.flatMap(({ command }) => command ?? []);
  expect(commands).toEqual([
    expect.stringMatching(/^propose E backend \d+ \d+$/),
    'propose prevention idle-in-transaction 10m',
    'propose prevention idle-session off',
    'propose B 150',
  ]);
  for (const command of commands) {
    expect(parseRemedyCommand(command.slice('propose '.length), ['shop']).problem).toBeUndefined();
  }
});

test('a time-out that only holds for dbconn’s own role is not known for others', () => {
  const settings = [
    setting('idle_in_transaction_session_timeout', '600000', 'user'),
    ...runbooks.slice(1),
  ];
  const found = find(checks(aSnapshot({ reading: aReading({ settings }) })), 'idle_in');
  expect(found).toMatchObject({ state: 'unknown', now: null });
});

test('idle_session_timeout is advised for a role of people that leaves sessions idle, never for an application’s', () => {
  const idle = (user: string, application: string): ReturnType<typeof sessions> =>
    sessions(3, () => ({ user, application, client: '10.9.9.9', stateAgeSeconds: 7200 }));
  const reading = aReading({
    settings: runbooks,
    sources: [
      aSource({ total: 3, idle: 3 }),
      aSource({ user: 'maya', application: 'psql', client: '10.9.9.9', total: 3, idle: 3 }),
    ],
    sessions: [...idle('app', 'backend'), ...idle('maya', 'psql')],
  });
  const found = find(checks(aSnapshot({ reading })), 'idle_session');
  expect(found).toMatchObject({
    state: 'advice',
    command: 'propose prevention idle-session for maya 30m',
  });
  expect(found?.because).not.toContain('maya');
});

test('a role whose name could not be typed back gets the advice without the command', () => {
  const reading = aReading({
    settings: runbooks,
    sources: [aSource({ user: '"; DROP', application: 'psql', client: '10.9.9.9' })],
    sessions: sessions(1, () => ({ user: '"; DROP', application: 'psql', stateAgeSeconds: 7200 })),
  });
  const found = find(checks(aSnapshot({ reading })), 'idle_session');
  expect(found?.state).toBe('advice');
  expect(found?.command).toBeUndefined();
});

test('PostgreSQL 13 has no idle_session_timeout, and that is said', () => {
  const reading = aReading({ version: 130_023, settings: runbooks.slice(0, 1) });
  const all = checks(aSnapshot({ reading }));
  expect(find(all, 'idle_session')).toMatchObject({ state: 'ok', now: null });
  expect(find(all, 'reserved')).toBeUndefined();
});

test('what nobody knows is unknown, never fine: no server, no containers, no metrics', () => {
  const nothing = aSnapshot({
    reading: null,
    services: aProblem('forbidden'),
    pools: aProblem('not-configured'),
  });
  expect(checks(nothing).map(({ state }) => state)).toEqual(['unknown', 'unknown', 'unknown']);
});

test('a pool without pre-ping, with endless connections and a long wait gets the runbook’s numbers', () => {
  const pool = { size: 10, maxOverflow: 5, timeoutSeconds: 90, recycleSeconds: -1, prePing: false };
  const services = [aServiceReading({ replicas: [aReplica({ pool })] })];
  const all = checks(aSnapshot({ services: { services } }));
  expect(find(all, 'DATABASE_POOL_TIMEOUT')).toMatchObject({
    state: 'advice',
    now: '90',
    better: '30',
  });
  expect(find(all, 'DATABASE_POOL_RECYCLE')).toMatchObject({
    state: 'advice',
    now: '-1',
    better: '1800',
  });
  expect(find(all, 'DATABASE_POOL_PRE_PING')).toMatchObject({ now: 'false', better: 'true' });
});

test('replicas that differ are shown as they differ', () => {
  const [one, two] = [true, false].map((prePing) =>
    aReplica({ pool: { ...aReplica().pool, prePing } }),
  );
  const services = [aServiceReading({ replicas: [one, two].filter((each) => each !== undefined) })];
  const found = find(checks(aSnapshot({ services: { services } })), 'DATABASE_POOL_PRE_PING');
  expect(found).toMatchObject({ state: 'advice', now: 'true and false' });
});

test('more processes than slots: no pool numbers help, and a pooler does', () => {
  const services = [aServiceReading({ replicas: replicas(50, { size: 5, maxOverflow: 10 }) })];
  const target = { services: [{ name: 'backend', workers: 4 }] };
  const all = checks(aSnapshot({ services: { services } }), target);
  expect(find(all, 'PgBouncer')).toMatchObject({ state: 'advice' });
  expect(find(all, 'PgBouncer')?.because).toContain('200 processes');
});

test('a pooler is fine in transaction mode, with nobody waiting for long and fewer servers than slots', () => {
  const pools = [aPoolerPool({ clientsWaiting: 3, longestWaitSeconds: 0.02 })];
  const all = checks(aSnapshot({ poolers: [aPoolerLook({ reading: aPoolerReading({ pools }) })] }));
  expect(all.filter(({ part }) => part === 'pooler').map(({ state }) => state)).toEqual([
    'ok',
    'ok',
    'ok',
  ]);
});

test('clients that wait in the pooler, session mode and too many servers are each told', () => {
  const pools = [aPoolerPool({ clientsWaiting: 7, longestWaitSeconds: 41 })];
  const reading = aPoolerReading({ poolMode: 'session', mayOpen: 60, pools });
  const all = checks(aSnapshot({ poolers: [aPoolerLook({ replicas: 2, reading })] }));
  expect(all.filter(({ part }) => part === 'pooler').map(({ state, now }) => [state, now])).toEqual(
    [
      ['advice', 'session'],
      ['advice', '7'],
      ['advice', '60'],
    ],
  );
  expect(find(all, 'clients waiting')?.because).toContain('41 seconds');
  expect(find(all, 'server connections')?.because).toContain('2 PgBouncers together may open 120');
});

test('a pooler that does not answer is unknown, and says what to do', () => {
  const problem = aProblem('unreachable', 'Start it.');
  const all = checks(aSnapshot({ poolers: [aPoolerLook({ problem })] }));
  expect(find(all, 'PgBouncer')).toMatchObject({ state: 'unknown', better: 'Start it.' });
});

test('PostgreSQL’s own container has no pool that could be set', () => {
  const services = [aServiceReading(), aServiceReading({ name: 'postgres' })];
  const all = checks(aSnapshot({ services: { services } }));
  expect(find(all, 'DATABASE_POOL_TIMEOUT of backend')).toBeDefined();
  expect(all.filter(({ setting: name }) => name.endsWith(' of postgres'))).toEqual([]);
});
