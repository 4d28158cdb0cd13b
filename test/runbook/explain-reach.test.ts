import { expect, test } from 'vitest';
import { explainReach } from '../../src/runbook/snapshot/take-snapshot.ts';
import { aReplica, aServiceReading, aSnapshot, aTarget, refused } from './diagnose/builders.ts';

const target = aTarget({ postgresService: 'postgres' });

function explain(kind: 'network' | 'auth', ...states: string[]): string | undefined {
  const replicas = states.map((state) => aReplica({ state }));
  const services = { services: [aServiceReading({ name: 'postgres', replicas })] };
  const snapshot = aSnapshot({ reading: null, reach: refused(kind), services });
  return explainReach(snapshot.database, snapshot.services, target).reach.error?.kind;
}

test.for([
  ['exited', 'stopped'],
  ['created', 'stopped'],
  ['restarting', 'stopped'],
  ['paused', 'frozen'],
  ['running', 'network'],
] as const)('an address that is gone, and a container that is %s, is %s', ([state, kind]) => {
  expect(explain('network', state)).toBe(kind);
});

test('one container that runs is enough for the network to be the trouble', () => {
  expect(explain('network', 'exited', 'running')).toBe('network');
});

test('without a container to ask, the network stays the trouble', () => {
  expect(explain('network')).toBe('network');
});

test('what the server itself said is never explained away', () => {
  expect(explain('auth', 'exited')).toBe('auth');
});
