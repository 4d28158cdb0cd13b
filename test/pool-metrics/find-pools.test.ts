import { expect, test } from 'vitest';
import { findPools } from '../../src/pool-metrics/find-pools.ts';
import { parsePrometheus } from '../../src/pool-metrics/parse-prometheus.ts';
import { presets } from '../../src/pool-metrics/presets.ts';
import type { PoolReading } from '../../src/runbook/snapshot/readings.ts';

type PoolDefaults = Parameters<typeof findPools>[2];

function find(
  preset: string,
  text: string,
  defaults: Omit<PoolDefaults, 'service'> = {},
): PoolReading[] {
  const names = presets.get(preset) ?? {};
  return findPools(parsePrometheus(text), names, { service: 'backend', ...defaults });
}

function sqlalchemy(figures: Record<string, number>, labels = ''): string {
  const lines = Object.entries(figures).map(([k, v]) => `sqlalchemy_pool_${k}${labels} ${v}`);
  return lines.join('\n');
}

test('a SQLAlchemy pool is judged against size + max_overflow, not against its size', () => {
  const text = sqlalchemy({
    size: 5,
    max_overflow: 10,
    checked_out: 6,
    checked_in: 0,
    overflow: 1,
  });
  expect(find('sqlalchemy', text)).toEqual([
    {
      service: 'backend',
      name: 'default',
      size: 5,
      maxOverflow: 10,
      checkedOut: 6,
      checkedIn: 0,
      overflow: 1,
      limit: 15,
      utilisation: 0.4,
      timeouts: null,
    },
  ]);
});

test.each([
  ['max_overflow -1 is no ceiling', { size: 5, max_overflow: -1, checked_out: 40 }, 'unlimited'],
  [
    'size 0 and max_overflow -1, as SQLAlchemy 2 reports them',
    { size: 0, max_overflow: -1, checked_out: 9 },
    'unlimited',
  ],
  [
    'size 0 limits to max_overflow where the pool reports one, as 1.4',
    { size: 0, max_overflow: 10, checked_out: 9 },
    10,
  ],
  [
    'more checked out than that shows it is no limit',
    { size: 0, max_overflow: 10, checked_out: 11 },
    'unlimited',
  ],
  ['without overflow the size is the limit', { size: 5, max_overflow: 0, checked_out: 5 }, 5],
  ['the present overflow is no maximum', { size: 5, overflow: 10, checked_out: 15 }, null],
  ['a NullPool has neither', { checked_out: 3 }, null],
] as const)('%s', (_, figures, limit) => {
  expect(find('sqlalchemy', sqlalchemy(figures))[0]?.limit).toBe(limit);
});

test('what the metrics lack comes from the configuration, and only that', () => {
  const [pool] = find('sqlalchemy', sqlalchemy({ checked_out: 12, size: 5 }), {
    poolSize: 99,
    maxOverflow: 10,
  });
  expect(pool).toMatchObject({ size: 5, maxOverflow: 10, limit: 15, utilisation: 0.8 });
});

test('a configured size of 0 is without a ceiling, whatever the configured overflow', () => {
  const [pool] = find('sqlalchemy', sqlalchemy({ checked_out: 12 }), {
    poolSize: 0,
    maxOverflow: 10,
  });
  expect(pool).toMatchObject({ limit: 'unlimited', utilisation: null });
});

test('workers of one process tree are pools of their own, sharing figures that carry no pid', () => {
  const text = [
    'sqlalchemy_pool_checked_out{pid="11"} 15',
    'sqlalchemy_pool_checked_out{pid="12"} 0',
    'sqlalchemy_pool_size 5',
    'sqlalchemy_pool_max_overflow{pid="11"} 10',
    'sqlalchemy_pool_max_overflow{pid="12"} 0',
  ].join('\n');
  const pools = find('sqlalchemy', text).map(({ name, limit, utilisation }) => [
    name,
    limit,
    utilisation,
  ]);
  expect(pools).toEqual([
    ['11', 15, 1],
    ['12', 5, 0],
  ]);
});

test('figures of different pools are never mixed', () => {
  const text = [
    'sqlalchemy_pool_checked_out{pool="main",env="prod"} 4',
    'sqlalchemy_pool_checked_out{pool="reports",env="prod"} 1',
    'sqlalchemy_pool_size{pool="main",env="prod"} 5',
    'sqlalchemy_pool_max_overflow{pool="main",env="prod"} 0',
  ].join('\n');
  expect(find('sqlalchemy', text)).toMatchObject([
    { name: 'main', size: 5, limit: 5 },
    { name: 'reports', size: null, limit: null },
  ]);
});

test('pools that differ in several labels are told apart by all of them', () => {
  const lines = ['a', 'b'].flatMap((pool) =>
    ['1', '2'].map((pid) => `sqlalchemy_pool_checked_out{pool="${pool}",pid="${pid}",x="same"} 1`),
  );
  const names = find('sqlalchemy', lines.join('\n')).map(({ name }) => name);
  expect(names).toEqual(['pool=a pid=1', 'pool=a pid=2', 'pool=b pid=1', 'pool=b pid=2']);
});

test('a password in a pool name stays behind', () => {
  const label = '{pool_name="postgresql://app:hunter2@db/shop?sslpassword=x"}';
  const text = `db_client_connections_usage${label.replace('}', ',state="used"}')} 3`;
  expect(find('opentelemetry', text)[0]?.name).toBe('postgresql://db/shop');
});

test('a name of 10,000 characters is cut', () => {
  const text = `sqlalchemy_pool_checked_out{pool="${'🐘'.repeat(10_000)}"} 1`;
  expect(Array.from(find('sqlalchemy', text)[0]?.name ?? '')).toHaveLength(100);
});

test('OpenTelemetry: used and idle are states of one metric, its maximum the limit', () => {
  const text = [
    'db_client_connections_usage{pool_name="p",state="idle"} 3',
    'db_client_connections_usage{pool_name="p",state="used"} 9',
    'db_client_connections_max{pool_name="p"} 10',
  ].join('\n');
  expect(find('opentelemetry', text)).toMatchObject([
    { name: 'p', checkedOut: 9, checkedIn: 3, limit: 10, utilisation: 0.9, size: null },
  ]);
});

test('OpenTelemetry without a maximum uses the configured pool', () => {
  const text = 'db_client_connection_count{db_client_connection_state="used"} 9';
  const [pool] = find('opentelemetry', text, { poolSize: 5, maxOverflow: 5 });
  expect(pool).toMatchObject({ checkedOut: 9, limit: 10 });
});

test('an application that puts its name in front is recognised, two of them apart', () => {
  const text = ['air', 'hub'].flatMap((app, index) => [
    `${app}_db_pool_checkedout ${index + 1}`,
    `${app}_db_pool_size ${index + 5}`,
  ]);
  expect(find('prefixed-db-pool', text.join('\n'))).toMatchObject([
    { name: 'air', checkedOut: 1, size: 5 },
    { name: 'hub', checkedOut: 2, size: 6 },
  ]);
});

test('db_pool_num_overflow is the maximum, db_pool_overflow the present one', () => {
  const text =
    'db_pool_checked_out 3\ndb_pool_size 5\ndb_pool_num_overflow 10\ndb_pool_overflow -2';
  expect(find('db-pool', text)).toMatchObject([{ maxOverflow: 10, overflow: -2, limit: 15 }]);
});

test('a figure that is not a number is not known, and a pool without checkouts no pool', () => {
  expect(find('sqlalchemy', 'sqlalchemy_pool_checked_out NaN')).toEqual([]);
  const text =
    'sqlalchemy_pool_checked_out 1\nsqlalchemy_pool_size NaN\nsqlalchemy_pool_max_overflow +Inf';
  expect(find('sqlalchemy', text)).toMatchObject([{ size: null, maxOverflow: null, limit: null }]);
});

test('an endpoint with thousands of label sets yields no more than 200 pools', () => {
  const lines = Array.from(
    { length: 5000 },
    (_, pid) => `sqlalchemy_pool_checked_out{pid="${pid}"} 1`,
  );
  expect(find('sqlalchemy', lines.join('\n'))).toHaveLength(200);
});
