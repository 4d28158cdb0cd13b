import { expect, test } from 'vitest';
import { hashVariables } from '../../../src/docker/containers.ts';
import { ChangeMemory } from '../../../src/runbook/diagnose/deploys.ts';
import { diagnose } from '../../../src/runbook/diagnose/diagnose.ts';
import type { ReplicaReading, Snapshot } from '../../../src/runbook/snapshot/snapshot.ts';
import { aReplica, aServiceReading, aSnapshot, aTarget, takenAt } from './builders.ts';

const atMinute = (minute: number): string =>
  new Date(Date.parse(takenAt) + minute * 60_000).toISOString();

function lookAt(minute: number, replicas: readonly ReplicaReading[]): Snapshot {
  const snapshot = aSnapshot({ services: { services: [aServiceReading({ replicas })] } });
  return { ...snapshot, takenAt: atMinute(minute) };
}

const secret = 'p4ssw0rd-of-nobody';
const old = aReplica({
  imageId: 'aaaaaaaaaaaa',
  variables: hashVariables([`DATABASE_URL=postgres://u:${secret}@db/x`, 'POOL=5', 'SAME=1']),
});

test('images, variables by name, replicas and starts are told, with the check that saw them', () => {
  const memory = new ChangeMemory();
  expect(memory.note(lookAt(0, [old])).changes).toBeUndefined();
  const next = aReplica({
    imageId: 'bbbbbbbbbbbb',
    startedAt: atMinute(4),
    variables: hashVariables([`DATABASE_URL=postgres://u:${secret}2@db/x`, 'SAME=1', 'NEW=1']),
  });
  const snapshot = memory.note(lookAt(5, [next, { ...next, name: 'shop-backend-2' }]));
  expect(snapshot.changes).toEqual([
    {
      service: 'backend',
      at: atMinute(5),
      kind: 'image',
      from: 'aaaaaaaaaaaa',
      to: 'bbbbbbbbbbbb',
    },
    {
      service: 'backend',
      at: atMinute(5),
      kind: 'variables',
      names: ['DATABASE_URL', 'NEW', 'POOL'],
    },
    { service: 'backend', at: atMinute(5), kind: 'replicas', from: '1', to: '2' },
    { service: 'backend', at: atMinute(5), kind: 'started', to: '2' },
  ]);
  const { changes, findings } = diagnose({ snapshot, target: aTarget(), recent: [] });
  expect(changes).toEqual(snapshot.changes);
  const found = findings.find(({ id }) => id === 'recent-changes');
  expect(found?.evidence).toContain(
    '0 seconds ago: backend: changed values of DATABASE_URL, NEW and POOL.',
  );
});

test('no value and no hash of one leaves the memory', () => {
  const memory = new ChangeMemory();
  memory.note(lookAt(0, [old]));
  const changed = { ...old, variables: hashVariables([`DATABASE_URL=${secret}3`]) };
  const text = JSON.stringify(memory.note(lookAt(1, [changed])));
  expect(text).toContain('DATABASE_URL');
  expect(text).not.toContain(secret);
  for (const hash of Object.values({ ...old.variables, ...changed.variables })) {
    expect(text).not.toContain(hash);
  }
});

test('a check that read no containers, or only part of them, changes nothing', () => {
  const memory = new ChangeMemory();
  memory.note(lookAt(0, [old]));
  expect(memory.note(lookAt(1, [aReplica()])).changes).toBeUndefined();
  expect(memory.note(lookAt(2, [{ ...old, state: 'exited' }])).changes).toBeUndefined();
  expect(memory.note(lookAt(3, [old])).changes).toBeUndefined();
});

test('after an hour it is forgotten, and there are never more than twenty', () => {
  const memory = new ChangeMemory();
  memory.note(lookAt(0, [old]));
  let last: Snapshot | undefined;
  for (let minute = 1; minute <= 30; minute += 1) {
    last = memory.note(lookAt(minute, [{ ...old, startedAt: atMinute(minute) }]));
  }
  expect(last?.changes).toHaveLength(20);
  const same = { ...old, startedAt: atMinute(30) };
  expect(memory.note(lookAt(80, [same])).changes).toHaveLength(11);
  expect(memory.note(lookAt(95, [same])).changes).toBeUndefined();
});
