import { expect, test } from 'vitest';
import { diagnose } from '../../../src/runbook/diagnose/diagnose.ts';
import type { Diagnosis } from '../../../src/runbook/diagnose/diagnosis.ts';
import {
  aReading,
  aReplica,
  aService,
  aServiceReading,
  aSnapshot,
  aSource,
  aTarget,
  sessions,
} from './builders.ts';
import { aPoolerLook, aPoolerReading } from './pooler-builders.ts';

const atPooler = { client: '10.0.0.99', user: 'app', database: 'shop' };

/** A leak whose sessions all come from the address of a pooler that is a service of the project itself. */
function leak(application: string, clients: readonly string[], named = true): Diagnosis {
  const poolers = [
    aPoolerLook({
      name: 'pgbouncer',
      reading: aPoolerReading({
        clientSources: clients.map((name, at) => {
          return { client: `10.0.0.${at + 1}`, application: name, total: 80, waiting: 0 };
        }),
        serverSources: [{ ...atPooler, total: 80 }],
      }),
    }),
  ];
  const services = [
    ...clients.map((name, at) =>
      aServiceReading({ name, replicas: [aReplica({ addresses: [`10.0.0.${at + 1}`] })] }),
    ),
    aServiceReading({ name: 'pgbouncer', replicas: [aReplica({ addresses: ['10.0.0.99'] })] }),
  ];
  const reading = aReading({
    counts: {
      clients: 92,
      active: 2,
      idle: 10,
      idleInTransaction: 80,
      idleInTransactionOverWarning: 60,
    },
    sources: [aSource({ ...atPooler, application, total: 80, idleInTransaction: 80 })],
    sessions: sessions(40, (at) => ({
      ...atPooler,
      application,
      state: 'idle in transaction',
      stateAgeSeconds: 60 + at * 20,
      transactionAgeSeconds: 61 + at * 20,
      fingerprint: 'leak',
    })),
  });
  const configured = [...clients, ...(named ? ['pgbouncer'] : [])];
  return diagnose({
    snapshot: aSnapshot({ reading, poolers, services: { services }, pools: [] }),
    target: aTarget({ canAct: true, services: configured.map((name) => aService({ name })) }),
    recent: [],
  });
}

test.for<[string, Diagnosis]>([
  ['by the name that the pooler hands on', leak('backend', ['backend', 'worker'])],
  ['where the pooler is no configured service', leak('backend', ['backend', 'worker'], false)],
  ['as its only client, where no name is handed on', leak('', ['backend'])],
])('behind a pooler the service that leaks is told %s, and is what to restart', ([, found]) => {
  const { causes, proposals } = found;
  expect(causes[0]).toMatchObject({
    cause: 'connection-leak',
    summary: 'Connections of backend are not returned.',
  });
  const restarts = proposals.filter(({ option }) => option === 'C');
  expect(restarts).toMatchObject([
    { subject: 'backend', command: 'propose C backend', slotsFreed: null },
  ]);
});

test('where nobody can tell which of its clients leaks, none is restarted, and the pooler neither', () => {
  const { causes, proposals } = leak('', ['backend', 'worker']);
  expect(causes[0]?.cause).toBe('connection-leak');
  expect(proposals.filter(({ command }) => command?.startsWith('propose C'))).toEqual([]);
});
