import { expect, test } from 'vitest';
import { drawBudget } from '../../../src/runbook/diagnose/budget.ts';
import type { BudgetInput } from '../../../src/runbook/diagnose/budget.ts';
import { createFindService, toSources } from '../../../src/runbook/diagnose/sources.ts';
import {
  aPool,
  aReplica,
  aService,
  aServiceReading,
  aSource,
  aTarget,
  replicas,
} from './builders.ts';

function draw(overrides: Partial<BudgetInput> = {}): ReturnType<typeof drawBudget> {
  return drawBudget({
    services: [aService()],
    replicas: new Map([['backend', replicas(3, { size: 10, maxOverflow: 5 })]]),
    pools: [],
    sources: [],
    used: 20,
    usable: 97,
    ...overrides,
  });
}

test('replicas x workers x (size + overflow), plus everybody else', () => {
  const sources = [{ ...aSource({ total: 12 }), service: 'backend' }];
  expect(draw({ services: [aService({ workers: 2 })], sources })).toMatchObject({
    lines: [
      {
        service: 'backend',
        replicas: 3,
        workers: 2,
        poolSize: 10,
        maxOverflow: 5,
        mayOpen: 90,
        holds: 12,
      },
    ],
    others: 8,
    mayOpen: 98,
    canExhaust: true,
  });
});

test('what fits cannot exhaust the server', () => {
  expect(draw()).toMatchObject({ mayOpen: 65, canExhaust: false });
});

test('replicas that do not run open nothing', () => {
  const stopped = replicas(3, { size: 10, maxOverflow: 5 }, { state: 'exited' });
  expect(draw({ replicas: new Map([['backend', stopped]]) }).lines[0]).toMatchObject({
    replicas: 0,
    mayOpen: 0,
  });
});

test.for([
  [0, 5],
  [10, -1],
] as const)('a pool of %i with an overflow of %i has no ceiling', ([size, maxOverflow]) => {
  const found = draw({ replicas: new Map([['backend', replicas(1, { size, maxOverflow })]]) });
  expect(found).toMatchObject({ mayOpen: 'unlimited', canExhaust: true });
});

test('numbers the environment lacks come from the metrics, then from the configuration', () => {
  const bare = new Map([['backend', replicas(2, { size: null, maxOverflow: null })]]);
  expect(
    draw({ replicas: bare, pools: [aPool({ size: 7, maxOverflow: 3 })] }).lines[0],
  ).toMatchObject({ mayOpen: 20 });
  expect(
    draw({ replicas: bare, services: [aService({ poolSize: 4, maxOverflow: 1 })] }).lines[0],
  ).toMatchObject({ mayOpen: 10 });
});

test('an unknown number leaves the sum unknown, unless what is known suffices', () => {
  const unknown = replicas(1, { size: 10, maxOverflow: null });
  const services = [aService(), aService({ name: 'worker' })];
  expect(
    draw({
      services,
      replicas: new Map([
        ['backend', unknown],
        ['worker', replicas(1, { size: 5, maxOverflow: 5 })],
      ]),
    }),
  ).toMatchObject({ mayOpen: null, canExhaust: null });
  expect(
    draw({
      services,
      replicas: new Map([
        ['backend', unknown],
        ['worker', replicas(1, { size: 90, maxOverflow: 9 })],
      ]),
    }),
  ).toMatchObject({ mayOpen: null, canExhaust: true });
});

test('without containers the clients of its sessions count as replicas', () => {
  const sources = ['10.0.0.1', '10.0.0.2'].map((client) => ({
    ...aSource({ client }),
    service: 'backend',
  }));
  const found = draw({
    replicas: new Map(),
    sources,
    services: [aService({ poolSize: 10, maxOverflow: 0 })],
  });
  expect(found.lines[0]).toMatchObject({ replicas: 2, mayOpen: 20 });
});

test('without services or a known size nothing is claimed', () => {
  expect(draw({ services: [] }).canExhaust).toBeNull();
  expect(draw({ usable: null }).canExhaust).toBeNull();
  expect(draw({ used: null })).toMatchObject({ others: null, lines: [{ holds: null }] });
});

test("a session is its replica's by address, else its service's by application name", () => {
  const target = aTarget({
    services: [aService({ application: 'api' }), aService({ name: 'worker' })],
  });
  const find = createFindService(target, [
    aServiceReading({ replicas: [aReplica({ addresses: ['10.0.0.5', 'fd00::5'] })] }),
  ]);
  expect(find('10.0.0.5', 'worker')).toBe('backend');
  expect(find('10.0.0.6', 'api')).toBe('backend');
  expect(find(null, 'worker')).toBe('worker');
  expect(find('10.0.0.6', 'psql')).toBeNull();
  expect(toSources([aSource()], find)[0]?.service).toBe('backend');
});

test('an address that several services share tells nothing', () => {
  const shared = [aReplica({ addresses: ['127.0.0.1'] })];
  const find = createFindService(aTarget(), [
    aServiceReading({ replicas: shared }),
    aServiceReading({ name: 'worker', replicas: shared }),
  ]);
  expect(find('127.0.0.1', 'psql')).toBeNull();
  expect(find('127.0.0.1', 'backend')).toBe('backend');
});
