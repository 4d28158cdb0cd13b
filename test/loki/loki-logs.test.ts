import { createServer } from 'node:net';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { createLokiLogs, joinLogs } from '../../src/loki/loki-logs.ts';
import type { Services } from '../../src/runbook/snapshot/ports.ts';
import type { Part, Problem, ServiceLogs } from '../../src/runbook/snapshot/snapshot.ts';
import { systemClock } from '../../src/timing.ts';
import { startLoki } from './local-loki.ts';
import type { PushedStream } from './local-loki.ts';

/** The logs of the services where Loki keeps them. Not tried against a real Loki: its wire is written from its reference. */
type Options = Parameters<typeof createLokiLogs>[0];

const query = '{container="backend"} |= "connection"';
const nowMs = Date.now();
const timedOut =
  'sqlalchemy.exc.TimeoutError: QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00';

function read(url: string, given: Partial<Options> = {}): Promise<readonly ServiceLogs[]> {
  const usual = { query, tail: 200, sinceMs: undefined, services: ['backend', 'reports'] };
  return createLokiLogs({ url, ...usual, clock: systemClock, ...given })();
}

/** The only one of its entries, which is a problem. */
async function problemOf(url: string, given: Partial<Options> = {}): Promise<Problem> {
  const entries = await read(url, given);
  expect(entries).toMatchObject([{ service: 'Loki', linesRead: 0, classes: [] }]);
  const [problem] = entries.flatMap((entry) => entry.problem ?? []);
  if (problem === undefined) throw new Error('It was read.');
  return problem;
}

function stream(
  labels: PushedStream['labels'],
  ...lines: readonly (readonly [secondsAgo: number, line: string])[]
): PushedStream {
  const pushed = lines.map(([ago, line]) => [nowMs - ago * 1000, line] as const);
  return { labels: { container: 'backend', ...labels }, lines: pushed };
}

describe('lines', () => {
  test('are asked for by the query, the newest, of the last quarter of an hour, and counted by kind', async () => {
    const { url, asked } = await startLoki({
      streams: [
        stream({}, [1000, timedOut], [60, timedOut], [30, 'GET /orders 200'], [20, timedOut]),
      ],
    });
    const [entry, ...more] = await read(url);
    expect(more).toEqual([]);
    expect(entry).toMatchObject({ service: 'backend', container: 'backend', linesRead: 2 });
    expect(entry?.classes).toMatchObject([
      {
        class: 'pool-timeout',
        count: 2,
        lastAt: new Date(nowMs - 20_000).toISOString(),
        pool: { size: 5, maxOverflow: 10, timeoutSeconds: 30 },
      },
    ]);
    const [question] = asked;
    expect(question?.pathname).toBe('/loki/api/v1/query_range');
    const { start = '', ...parameters } = Object.fromEntries(question?.searchParams ?? []);
    expect(parameters).toEqual({ query, direction: 'backward', limit: '400' });
    const ago = Date.now() - Number(start.slice(0, -6));
    expect(start).toMatch(/^\d{13}000000$/);
    expect(Math.abs(ago - 900_000)).toBeLessThan(120_000);
  });

  test('are as many as Loki gives by default at most, and as old as they may be', async () => {
    const { url, asked } = await startLoki({ streams: [stream({}, [1000, timedOut])] });
    const entries = await read(url, { tail: 5000, sinceMs: 3_600_000 });
    expect(entries).toMatchObject([{ linesRead: 1 }]);
    expect(asked[0]?.searchParams.get('limit')).toBe('5000');
  });

  test('are of the configured service that a label names, and of the pod they came from', async () => {
    const { url } = await startLoki({
      streams: [
        stream({ app: 'reports', pod: 'reports-7d4f-1' }, [5, timedOut]),
        stream({ app: 'reports', pod: 'reports-7d4f-2' }, [5, timedOut]),
        stream({ service_name: 'unknown_service' }, [5, timedOut]),
      ],
    });
    const named = (await read(url)).map(({ service, container }) => `${service} ${container}`);
    expect(named.toSorted()).toEqual([
      'backend backend',
      'reports reports-7d4f-1',
      'reports reports-7d4f-2',
    ]);
  });

  test('of one failure count once, though a label parts them', async () => {
    const trace = [
      [10, 'Traceback (most recent call last): connection'],
      [10, '  File "pool.py", line 1, in connect # connection'],
      [10, timedOut],
    ] as const;
    const [first, second, third] = trace.map(([, line]) => line);
    const { url } = await startLoki({
      streams: [
        stream({ detected_level: 'unknown' }, [10, first ?? ''], [9.9, second ?? '']),
        stream({ detected_level: 'error' }, [9.8, third ?? '']),
      ],
    });
    const [entry] = await read(url);
    expect(entry?.linesRead).toBe(3);
    expect(entry?.classes).toMatchObject([{ class: 'pool-timeout', count: 1 }]);
  });

  test('hold no literal of a statement and no password when they are shown', async () => {
    const line =
      "connection failed: postgres://app:canary-password@db/shop while UPDATE t SET a = 'canary-literal'";
    const { url } = await startLoki({
      streams: [stream({ pod: 'a <b>|canary-label' }, [5, line])],
    });
    const entries = await read(url);
    expect(entries).toMatchObject([{ linesRead: 1, classes: [{ count: 1 }] }]);
    expect(JSON.stringify(entries)).not.toContain('canary');
  });
});

describe('credentials', () => {
  const streams = [stream({}, [5, timedOut])];
  const pair = Buffer.from('user:s p:ü').toString('base64');
  test.for<[name: string, given: Partial<Options>, header: string, value: string]>([
    ['a bearer', { bearer: 'canary-token' }, 'authorization', 'Bearer canary-token'],
    ['a pair', { basic: { user: 'user', password: 's p:ü' } }, 'authorization', `Basic ${pair}`],
    ['a tenant', { tenant: 'shop|web' }, 'x-scope-orgid', 'shop|web'],
  ])('%s goes along in its header', async ([, given, header, value]) => {
    const loki = await startLoki({ streams });
    expect(await read(loki.url, given)).toMatchObject([{ linesRead: 1 }]);
    expect(loki.headers[0]?.[header]).toBe(value);
  });

  test('of the address are sent as a pair, and are in no sentence', async () => {
    const loki = await startLoki({ instead: (_, response) => response.writeHead(403).end('no') });
    const address = loki.url.replace('//', '//user:canary@');
    const problem = await problemOf(`${address}/?key=canary`);
    const sent = Buffer.from('user:canary').toString('base64');
    expect(loki.headers[0]?.authorization).toBe(`Basic ${sent}`);
    expect(loki.asked[0]?.search).not.toContain('canary');
    expect(JSON.stringify(problem)).not.toContain('canary');
  });
});

test.for(['', '/', '/loki/api/v1', '/loki/api/v1/query_range', '/loki/api/v1/push'])(
  'an address that ends in "%s" is found',
  async (end) => {
    const { url } = await startLoki({ streams: [stream({}, [5, timedOut])] });
    expect(await read(`${url}${end}`)).toMatchObject([{ linesRead: 1 }]);
  },
);

test('a proxy before Loki may have a path', async () => {
  const { url, asked } = await startLoki({ streams: [] });
  await problemOf(`${url}/api/datasources/proxy/uid/abc/`);
  expect(asked[0]?.pathname).toBe('/api/datasources/proxy/uid/abc/loki/api/v1/query_range');
});

describe('what cannot be read is said', () => {
  test('where no label of the query is known: nothing found is not nothing wrong', async () => {
    const { url, asked } = await startLoki({ streams: [stream({}, [5, timedOut])] });
    const problem = await problemOf(url, { query: '{container="bakcend"} |= "connection"' });
    expect(problem).toMatchObject({ kind: 'missing' });
    expect(problem.summary).toContain('no logs for the labels');
    expect(asked[1]?.searchParams.get('match[]')).toBe('{container="bakcend"}');
    // With the right one, quiet is quiet.
    const quiet = await read(url, { query: '{container="backend"} |= "conection pool"' });
    expect(quiet.flatMap(({ problem }) => problem ?? [])).toEqual([]);
    expect(quiet).toMatchObject([
      { service: 'Loki', container: 'Loki', linesRead: 0, classes: [] },
    ]);
  });

  test('where Loki has several tenants and none is named', async () => {
    const { url } = await startLoki({ tenant: 'shop' });
    expect(await problemOf(url)).toMatchObject({
      kind: 'forbidden',
      fix: 'Set logs.loki.tenant to its name.',
    });
  });

  test('where the query is no LogQL, by the place of the mistake', async () => {
    const { url } = await startLoki({});
    const { summary } = await problemOf(url, { query: '{container="backend"} |= canary' });
    expect(summary).toMatch(
      /^Loki at 127\.0\.0\.1:\d+ refuses logs\.loki\.query \(400\), at line 1, column 18\.$/,
    );
  });

  const json =
    (value: unknown) =>
    (status: number): [number, string] => [status, JSON.stringify(value)];
  test.for<[name: string, answer: [status: number, body: string], kind: string, word: string]>([
    [
      'too many lines',
      [400, 'max entries limit per query exceeded, limit > x (9 > 5)'],
      'invalid',
      'that many lines',
    ],
    [
      'too much to read',
      [400, 'the query would read too many bytes (query: 1GB, limit: 1MB)'],
      'invalid',
      '(400)',
    ],
    ['a limit of queries', [429, 'too many outstanding requests'], 'unreachable', '(429)'],
    ['no way in', [401, 'canary'], 'forbidden', 'refuses dbconn (401)'],
    ['another program', [404, '404 page not found'], 'missing', 'no API at this address (404)'],
    ['a login page', [302, ''], 'missing', '(302)'],
    ['a page', [200, '<html>canary</html>'], 'invalid', 'does not answer as Loki does'],
    ['a query that times out', [504, 'context deadline exceeded'], 'unreachable', 'status 504'],
    [
      'figures',
      json({ status: 'success', data: { resultType: 'matrix', result: [] } })(200),
      'invalid',
      'figures instead',
    ],
    [
      'a strange time',
      json({
        status: 'success',
        data: { resultType: 'streams', result: [{ stream: {}, values: [[1, 'x']] }] },
      })(200),
      'invalid',
      'does not answer',
    ],
    ['too large an answer', [200, ' '.repeat(8 * 1024 * 1024 + 1)], 'invalid', 'more than 8 MB'],
  ])('where it answers with %s', async ([, [status, body], kind, word]) => {
    const { url, asked } = await startLoki({
      instead: (_, response) => response.writeHead(status, { location: '/elsewhere' }).end(body),
    });
    const problem = await problemOf(url);
    expect(problem.kind).toBe(kind);
    expect(problem.summary).toContain(word);
    expect(problem.fix).toMatch(/\w/);
    expect(JSON.stringify(problem)).not.toContain('canary');
    expect(asked).toHaveLength(1);
  });

  test('where nothing listens, and where the name is none', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    server.close();
    await once(server, 'close');
    expect((await problemOf(`http://127.0.0.1:${port}`)).summary).toMatch(
      /^Nothing listens at Loki at /,
    );
    expect((await problemOf('http://loki.invalid')).kind).toBe('unreachable');
  });

  test('where it says nothing within its time, or stops within its answer', async () => {
    const silent = await startLoki({ instead: () => undefined });
    const stuck = await startLoki({
      instead: (_, response) => response.writeHead(200).write('{"status":'),
    });
    const problems = await Promise.all([problemOf(silent.url), problemOf(stuck.url)]);
    expect(problems.map(({ kind }) => kind)).toEqual(['timeout', 'timeout']);
  });

  test('where it hangs up', async () => {
    const { url } = await startLoki({ instead: (request) => request.socket.destroy() });
    expect((await problemOf(url)).kind).toBe('unreachable');
  });
});

describe('beside Docker', () => {
  const entry = (service: string, container: string, problem?: Problem): ServiceLogs => ({
    service,
    container,
    tookMs: 1,
    linesRead: problem === undefined ? 3 : 0,
    classes: [],
    ...(problem !== undefined && { problem }),
  });
  const broken: Problem = { kind: 'unreachable', summary: 'It is down.' };

  async function join(
    docker: Part<readonly ServiceLogs[]>,
    loki: readonly ServiceLogs[],
  ): Promise<unknown> {
    const services: Services = {
      readServices: () => Promise.reject(new Error('Not asked.')),
      readLogs: () => Promise.resolve(docker),
    };
    const joined = await joinLogs(services, () => Promise.resolve(loki)).readLogs();
    return joined.ok ? joined.value : joined.problem;
  }

  test('what both have of a service or a container counts once', async () => {
    const own = [entry('backend', 'stack-backend-1'), entry('web', 'stack-web-1', broken)];
    const more = [entry('backend', 'x'), entry('x', 'stack-backend-1'), entry('web', 'web')];
    expect(await join({ ok: true, tookMs: 1, value: own }, more)).toEqual([...own, more[2]]);
  });

  test('Loki alone is enough', async () => {
    const none: Problem = { kind: 'not-configured', summary: 'No compose project is configured.' };
    const logs = [entry('backend', 'backend')];
    expect(await join({ ok: false, tookMs: 1, problem: none }, logs)).toEqual(logs);
  });

  test('neither hides that the other could not be read', async () => {
    const logs = [entry('Loki', 'Loki', broken)];
    const own = [entry('backend', 'stack-backend-1')];
    expect(await join({ ok: true, tookMs: 1, value: own }, logs)).toEqual([...own, ...logs]);
    expect(await join({ ok: false, tookMs: 1, problem: broken }, own)).toMatchObject([
      { service: 'Docker', problem: broken },
      own[0] ?? {},
    ]);
  });
});
