import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createPools } from '../../src/pool-metrics/pools.ts';
import type { PoolEndpointSnapshot } from '../../src/runbook/snapshot/snapshot.ts';
import { serveMetrics } from '../pool-metrics/serve-metrics.ts';

/** Metrics as applications of this trade serve them. */
function readFixture(name: string): string {
  return readFileSync(new URL(`metrics/${name}.prom`, import.meta.url), 'utf8');
}

async function look(
  text: string,
  contentType = 'text/plain',
  names?: Readonly<Record<string, string>>,
): Promise<PoolEndpointSnapshot> {
  const url = await serveMetrics((_, response) => {
    response.writeHead(200, { 'content-type': contentType }).end(text);
  });
  const endpoint = { service: 'orders', url, ...(names !== undefined && { names }) };
  const part = await createPools({ endpoints: [endpoint] }).readPools();
  const [found] = part.ok ? part.value : [];
  if (found === undefined) throw new Error('There is no look.');
  return found;
}

const full = { checkedOut: 15, size: 10, maxOverflow: 5, limit: 15 };

test.each(['text/html', 'text/html; charset=utf-8', 'application/octet-stream'])(
  'html-type.prom as %s is read',
  async (type) => {
    const { pools, problem } = await look(readFixture('html-type'), type);
    expect(pools).toMatchObject([full]);
    expect(problem).toBeUndefined();
  },
);

test('what cannot be read names its content type', async () => {
  const page = await look('<!doctype html><p>Sign in</p>', 'text/html; charset=utf-8');
  expect(page.problem?.summary).toContain('not with Prometheus metrics (content type text/html)');
  const odd = await look('<p>', 'x y');
  expect(odd.problem?.summary).toContain('(content type none)');
  const other = await look('Sessions 5\n', 'text/html');
  expect(other.problem?.summary).toContain('none of a connection pool (content type text/html)');
});

test.each([
  ['indented.prom', readFixture('indented')],
  ['tabs', readFixture('html-type').replaceAll(/^/gm, '\t')],
  [
    'a byte order mark and Windows line ends',
    `\uFEFF${readFixture('html-type').replaceAll('\n', '\r\n')}`,
  ],
])('%s: blanks around a line mean nothing', async (_, text) => {
  const { pools, problem } = await look(text);
  expect(pools).toMatchObject([full]);
  expect(problem).toBeUndefined();
});

test('duplicate.prom is one pool', async () => {
  const { pools, problem } = await look(readFixture('duplicate'));
  expect(pools).toMatchObject([{ name: 'main', ...full }]);
  expect(problem).toBeUndefined();
});

test('labels in another order are the same series', async () => {
  const text = `db_pool_checked_out{pool="main",pid="1"} 15
db_pool_checked_out{pid="1",pool="main"} 15`;
  expect((await look(text)).pools).toMatchObject([{ checkedOut: 15 }]);
});

test('a series with two values is one pool, and a problem that names it', async () => {
  const { pools, problem } = await look(
    `${readFixture('duplicate')}db_pool_checked_out{pool="main"} 3\nprocess_cpu 1\nprocess_cpu 2\n`,
  );
  expect(pools).toMatchObject([full]);
  expect(problem).toMatchObject({ kind: 'invalid' });
  expect(problem?.summary).toContain('db_pool_checked_out more than once');
});

test('of two moments of a series the newer counts, and a contradiction elsewhere is none of ours', async () => {
  const text = `db_pool_checked_out 3 1767607200000
db_pool_checked_out 15 1767607201000
process_cpu 1
process_cpu 2`;
  const { pools, problem } = await look(text);
  expect(pools).toMatchObject([{ checkedOut: 15 }]);
  expect(problem).toBeUndefined();
});

test('hikari.prom is read by the names that are given for it', async () => {
  const { pools, problem } = await look(readFixture('hikari'), 'text/plain', {
    checkedOut: 'hikaricp_connections_active',
    limit: 'hikaricp_connections_max',
  });
  expect(pools).toMatchObject([{ name: 'HikariPool-1', checkedOut: 10, limit: 10 }]);
  expect(problem).toBeUndefined();
});

test('otel.prom is read: 9 of 10', async () => {
  const { pools } = await look(readFixture('otel'), 'application/openmetrics-text; version=1.0.0');
  expect(pools).toMatchObject([{ name: 'orders', checkedOut: 9, checkedIn: 1, limit: 10 }]);
});

test('odd-numbers.prom is read: 15 of 15', async () => {
  const { pools } = await look(readFixture('odd-numbers'));
  expect(pools).toMatchObject([{ ...full, overflow: null }]);
});
