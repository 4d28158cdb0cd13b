import { expect, test } from 'vitest';
import { drawBudget } from '../../../src/runbook/diagnose/budget.ts';
import { createFindService, toSources } from '../../../src/runbook/diagnose/sources.ts';
import {
  anEndpoint,
  aPool,
  aReading,
  aReplica,
  aService,
  aServiceReading,
  aSource,
  aTarget,
  replicas,
} from './builders.ts';

type BudgetInput = Parameters<typeof drawBudget>[0];

function draw(overrides: Partial<BudgetInput> = {}): ReturnType<typeof drawBudget> {
  return drawBudget({
    services: [aService()],
    replicas: new Map([['backend', replicas(3, { size: 10, maxOverflow: 5 })]]),
    endpoints: [],
    sources: [],
    used: 20,
    usable: 97,
    ...overrides,
  });
}

test('replicas x workers x (size + overflow), plus everybody else', () => {
  const sources = [{ ...aSource({ total: 12 }), service: 'backend', kind: 'application' as const }];
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
    draw({
      replicas: bare,
      endpoints: [anEndpoint({ pools: [aPool({ size: 7, maxOverflow: 3 })] })],
    }).lines[0],
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
    kind: 'application' as const,
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
  expect(toSources(aReading({ sources: [aSource()] }), find)[0]?.service).toBe('backend');
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

const bare = { size: null, maxOverflow: null };
const small = aPool({ size: 5, maxOverflow: 0, limit: 5 });
const large = aPool({ size: 30, maxOverflow: 0, limit: 30 });

test('replicas whose environments differ are added up, each with its own pool', () => {
  const differing = [
    ...replicas(1, { size: 5, maxOverflow: 0 }),
    ...replicas(1, { size: 30, maxOverflow: 0 }),
  ];
  expect(draw({ replicas: new Map([['backend', differing]]) }).lines[0]).toMatchObject({
    mayOpen: 35,
    poolSize: 30,
    mixed: [
      { replicas: 1, poolSize: 5, maxOverflow: 0, mayOpen: 5 },
      { replicas: 1, poolSize: 30, maxOverflow: 0, mayOpen: 30 },
    ],
  });
});

test.for([
  ['the address', ['backend:80/metrics (10.0.1.2)', 'backend:80/metrics (10.0.1.1)']],
  ['the name', ['shop-backend-2:80/metrics', 'shop-backend-1:80/metrics']],
  ['the count', ['localhost:9002/metrics', 'localhost:9001/metrics']],
] as const)('an endpoint is a replica’s by %s', ([, [first, second]]) => {
  const endpoints = [
    anEndpoint({ endpoint: first, pools: [large] }),
    anEndpoint({ endpoint: second, pools: [small] }),
  ];
  const containers = new Map([['backend', replicas(2, bare)]]);
  expect(draw({ replicas: containers, endpoints }).lines[0]?.mayOpen).toBe(35);
  expect(draw({ replicas: new Map(), endpoints }).lines[0]).toMatchObject({
    replicas: 2,
    mayOpen: 35,
  });
});

test('an endpoint of one replica says nothing wrong of the others, which have their own', () => {
  const endpoints = [
    anEndpoint({ endpoint: 'backend:80/metrics (10.0.1.3)', pools: [large] }),
    anEndpoint({ endpoint: 'backend:80/metrics (10.0.1.1)', pools: [small] }),
  ];
  const [one, two, three] = replicas(3, bare);
  if (!one || !two || !three) throw new Error('There are three.');
  const two12 = { ...two, pool: { ...two.pool, size: 12, maxOverflow: 0 } };
  const found = draw({ replicas: new Map([['backend', [one, two12, three]]]), endpoints });
  expect(found.lines[0]?.mayOpen).toBe(5 + 12 + 30);
});

test('workers that each report a pool are not multiplied once more', () => {
  const pools = [1, 2, 3].map((pid) =>
    aPool({ name: `${pid}`, size: 4, maxOverflow: 1, limit: 5 }),
  );
  const found = draw({
    services: [aService({ workers: 3 })],
    replicas: new Map([['backend', replicas(2, bare)]]),
    endpoints: [anEndpoint({ pools })],
  });
  expect(found.lines[0]).toMatchObject({ mayOpen: 30, poolSize: 4 });
});
