import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { findReplicas } from '../../src/pool-metrics/replicas.ts';
import type { PoolEndpoint } from '../../src/pool-metrics/replicas.ts';
import { createPools } from '../../src/pool-metrics/pools.ts';
import type { PoolEndpointSnapshot } from '../../src/runbook/snapshot/snapshot.ts';
import { deadAddress, serveMetrics } from './serve-metrics.ts';

const healthy =
  'sqlalchemy_pool_checked_out 2\nsqlalchemy_pool_size 5\nsqlalchemy_pool_max_overflow 10';

async function readAll(
  ...endpoints: Partial<PoolEndpoint>[]
): Promise<readonly PoolEndpointSnapshot[]> {
  const complete = endpoints.map((endpoint) => ({ service: 'backend', url: '', ...endpoint }));
  const part = await createPools({ endpoints: complete }).readPools();
  if (!part.ok) throw new Error(part.problem.summary);
  return part.value;
}

async function readOne(endpoint: Partial<PoolEndpoint>): Promise<PoolEndpointSnapshot> {
  const [look] = await readAll(endpoint);
  if (look === undefined) throw new Error('There is no look.');
  return look;
}

/** A letter per turn of the event loop, so that the network carries them apart. */
async function* dripping(text: string): AsyncGenerator<string> {
  for (const letter of text) {
    await setImmediate();
    yield letter;
  }
}

test('reads a pool and shows where from', async () => {
  const url = await serveMetrics(healthy);
  const look = await readOne({ url });
  expect(look.pools).toMatchObject([{ service: 'backend', name: 'default', limit: 15 }]);
  expect(look.endpoint).toBe(url.slice('http://'.length));
  expect(look).not.toHaveProperty('problem');
});

test('no endpoint configured is no trouble, and says how to have one', async () => {
  const part = await createPools({ endpoints: [] }).readPools();
  expect(part).toMatchObject({ ok: false, problem: { kind: 'not-configured' } });
});

test('several replicas of a service are read at once, a dead one beside the living', async () => {
  const [first, second] = await Promise.all([serveMetrics(healthy), serveMetrics(healthy)]);
  const looks = await readAll({ url: first }, { url: second }, { url: await deadAddress() });
  expect(looks.map(({ pools, problem }) => [pools.length, problem?.kind])).toEqual([
    [1, undefined],
    [1, undefined],
    [0, 'unreachable'],
  ]);
});

test('an answer in drips is put together', async () => {
  const url = await serveMetrics((_, response) => {
    Readable.from(dripping(healthy)).pipe(response);
  });
  expect((await readOne({ url })).pools).toMatchObject([{ checkedOut: 2, limit: 15 }]);
});

test.each(['before its headers', 'in the middle of its body'])(
  'a server that hangs %s is left after two seconds',
  async (when) => {
    const url = await serveMetrics((_, response) => {
      if (when !== 'before its headers') response.write('sqlalchemy_pool_checked_out 2\n');
    });
    const look = await readOne({ url });
    expect(look.problem).toMatchObject({ kind: 'timeout' });
    expect(look.tookMs).toBeGreaterThanOrEqual(1900);
  },
);

test('more than 1 MB is not read; what came before counts and the problem says so', async () => {
  let closedEarly = false;
  const filler = `# ${'x'.repeat(997)}\n`.repeat(1000);
  const url = await serveMetrics((_, response) => {
    response.on('close', () => (closedEarly = !response.writableFinished));
    response.write(`${healthy}\n`);
    const pour = (): void => {
      while (!response.destroyed && response.write(filler));
    };
    response.on('drain', pour);
    pour();
  });
  const look = await readOne({ url });
  expect(look.problem?.summary).toContain('more than 1 MB');
  expect(look.pools).toMatchObject([{ checkedOut: 2 }]);
  await expect.poll(() => closedEarly).toBe(true);
});

test('a number cut off by the limit is not taken for a smaller one', async () => {
  const line = 'sqlalchemy_pool_checked_out 123456';
  const start = 1024 * 1024 - line.length + 3;
  const url = await serveMetrics(`#${' '.repeat(start - 2)}\n${line}\n# more\n`);
  expect((await readOne({ url })).pools).toEqual([]);
});

test.each([
  [500, 'invalid'],
  [503, 'invalid'],
  [404, 'missing'],
  [401, 'forbidden'],
  [403, 'forbidden'],
  [204, 'invalid'],
] as const)('status %i is a problem of kind %s', async (status, kind) => {
  const url = await serveMetrics((_, response) => response.writeHead(status).end());
  expect(await readOne({ url })).toMatchObject({ pools: [], problem: { kind } });
});

test('a redirect is refused and its goal never asked', async () => {
  let asked = 0;
  const goal = await serveMetrics((_, response) => {
    asked += 1;
    response.end(healthy);
  });
  const url = await serveMetrics((_, response) =>
    response.writeHead(302, { location: goal }).end(),
  );
  const look = await readOne({ url, headers: { authorization: 'Bearer hunter2' } });
  expect(look.problem).toMatchObject({ kind: 'invalid' });
  expect(look.problem?.summary).toContain('redirects');
  expect(asked).toBe(0);
});

test.each(['text/html', 'text/plain'])('a web page sent as %s is no metrics', async (type) => {
  const url = await serveMetrics((_, response) => {
    response.writeHead(200, { 'content-type': type }).end('<html><p>502 Bad Gateway</p></html>');
  });
  const { pools, problem } = await readOne({ url });
  expect({ pools, kind: problem?.kind }).toEqual({ pools: [], kind: 'invalid' });
  expect(problem?.summary).toContain(`(content type ${type})`);
});

test('metrics without a pool tell which setting to give', async () => {
  const url = await serveMetrics('process_cpu_seconds_total 4');
  const { problem } = await readOne({ url });
  expect(problem?.kind).toBe('missing');
  expect(problem?.fix).toContain('names.checkedOut');
});

test('an answer cut short by the server is a problem', async () => {
  const url = await serveMetrics((_, response) => {
    response.writeHead(200, { 'content-length': '5000' }).write(healthy);
    response.socket?.end(() => response.destroy());
  });
  expect(await readOne({ url })).toMatchObject({ pools: [], problem: { kind: 'unreachable' } });
});

test('user, password and query reach the server and nothing else', async () => {
  let seen: { url: string | undefined; authorization: string | undefined } | undefined;
  const url = await serveMetrics((request, response) => {
    seen = { url: request.url, authorization: request.headers.authorization };
    response.writeHead(500).end();
  });
  const secret = `${url.replace('//', '//prom:hunt%40er2@')}?token=s3cret#part`;
  const look = await readOne({ url: secret });
  const basic = Buffer.from('prom:hunt@er2').toString('base64');
  expect(seen).toEqual({ url: '/metrics?token=s3cret', authorization: `Basic ${basic}` });
  expect(JSON.stringify(look)).not.toMatch(/hunt|s3cret|prom:/);
});

test('a configured header is sent', async () => {
  const url = await serveMetrics((request, response) => {
    const allowed = request.headers.authorization === 'Bearer hunter2';
    response.writeHead(allowed ? 200 : 401).end(healthy);
  });
  const look = await readOne({ url, headers: { Authorization: 'Bearer hunter2' } });
  expect(look.pools).toHaveLength(1);
});

test('names of your own are used, with labels to choose by', async () => {
  const url = await serveMetrics(
    'conns{state="busy",pool="a"} 4\nconns{state="free",pool="a"} 1\ncap 9',
  );
  const names = {
    checkedOut: 'conns{state="busy"}',
    checkedIn: 'conns{state="free"}',
    size: 'cap',
  };
  const look = await readOne({ url, names, maxOverflow: 0 });
  expect(look.pools).toMatchObject([{ name: 'a', checkedOut: 4, checkedIn: 1, limit: 9 }]);
});

test.each([
  [{ preset: 'hibernate' }, 'sqlalchemy'],
  [{ names: { checked_out: 'x' } }, 'checkedOut'],
  [{ names: { checkedOut: 'x{' } }, 'db_connections'],
  [{ url: 'ftp://db/metrics' }, 'pools'],
  [{ url: 'not an address' }, 'pools'],
] as const)('%o is refused with what to write instead', async (wrong, fix) => {
  const url = await deadAddress();
  const { problem } = await readOne({ url, ...wrong });
  expect(problem?.kind).toBe('invalid');
  expect(problem?.fix).toContain(fix);
});

test('a name nobody knows is unreachable, with a hint about networks', async () => {
  const { problem } = await readOne({ url: 'http://no-such-host.invalid/metrics' });
  expect(problem).toMatchObject({ kind: 'unreachable' });
});

test('a name with several addresses is read at each of them', async () => {
  const signal = AbortSignal.timeout(10_000);
  const addresses = ['10.0.0.3', '10.0.0.2', '10.0.0.3'];
  const find = (url: string): Promise<unknown> =>
    findReplicas(url, signal, () => Promise.resolve(addresses));
  expect(await find('http://backend:8000/metrics')).toEqual([
    { url: 'http://10.0.0.2:8000/metrics', host: 'backend:8000' },
    { url: 'http://10.0.0.3:8000/metrics', host: 'backend:8000' },
  ]);
  expect(await find('https://backend/metrics')).toEqual([{ url: 'https://backend/metrics' }]);
  expect(await find('http://10.1.1.1/metrics')).toEqual([{ url: 'http://10.1.1.1/metrics' }]);
});

test('a resolver that hangs is left behind with the signal', async () => {
  const url = 'http://backend:8000/metrics';
  const replicas = await findReplicas(url, AbortSignal.timeout(20), () => new Promise(() => {}));
  expect(replicas).toEqual([{ url }]);
});
