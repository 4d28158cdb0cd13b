import { describe, expect, test } from 'vitest';
import { probeDocker } from '../../src/docker/connect.ts';
import { restartReplica } from '../../src/docker/restart.ts';
import { bytes, hangUp, html, inspected, json, silence, startFakeEngine } from './fake-engine.ts';
import type { Answer, InspectedState } from './fake-engine.ts';

const options = { stopTimeoutSeconds: 5, healthyWithinMs: 30_000 };
const later = '2026-11-23T03:05:00Z';
const healthy = {
  StartedAt: later,
  Health: { Status: 'healthy', Log: [{ Start: '2026-11-23T03:05:01Z', Output: '' }] },
};

/** Inspections in this order, the last one again and again. */
function inspections(...states: readonly (InspectedState | Answer)[]): Answer {
  let next = 0;
  return (request, response) => {
    const state = states[Math.min(next, states.length - 1)] ?? {};
    next += 1;
    const answer = typeof state === 'function' ? state : json(200, inspected(state));
    answer(request, response);
  };
}

// Most of them wait for a time-out.
describe.concurrent('a restart', () => {
  test('sends the time to stop and nothing of its own', async () => {
    const bodies: string[] = [];
    await using engine = await startFakeEngine({
      'POST .*/restart': (request, response) => {
        request.on('data', (chunk) => bodies.push(String(chunk)));
        request.on('end', () => response.writeHead(204).end());
      },
      '/logs': bytes(),
      '/json': inspections({}, healthy),
    });
    const outcome = await restartReplica(engine.docker, 'backend1', options);
    expect(outcome).toMatchObject({ result: 'healthy', startedAfter: later });
    expect(engine.requests).toContain('POST /containers/backend1/restart?t=5');
    expect(bodies).toEqual([]);
  });

  test('of one that was stopped meanwhile is not asked for: Docker would start it', async () => {
    const stopped = { Running: false, Status: 'exited', ExitCode: 0 };
    await using engine = await startFakeEngine({ '/json': inspections(stopped) });
    const outcome = await restartReplica(engine.docker, 'backend1', options);
    expect(outcome).toMatchObject({ result: 'exited', problem: { kind: 'invalid' } });
    expect(outcome.problem?.summary).toContain('was stopped before its restart');
    expect(engine.requests.every((line) => line.startsWith('GET'))).toBe(true);
  });

  test('that a proxy refuses leaves the old process running, and names the switch', async () => {
    await using engine = await startFakeEngine({ '/restart': html(403), '/json': inspections({}) });
    const outcome = await restartReplica(engine.docker, 'backend1', options);
    expect(outcome).toMatchObject({ result: 'not-restarted', problem: { kind: 'forbidden' } });
    expect(outcome.problem?.fix).toContain('ALLOW_RESTARTS=1');
    expect(JSON.stringify(outcome)).not.toContain('s3cret');
  });

  test('that stopped the old process and could not start the new one is down, not unharmed', async () => {
    await using engine = await startFakeEngine({
      '/restart': json(500, { message: 'Cannot restart container: port is already allocated' }),
      '/json': inspections({}, { Running: false, Status: 'exited', ExitCode: 128 }),
    });
    const outcome = await restartReplica(engine.docker, 'backend1', options);
    expect(outcome).toMatchObject({
      result: 'exited',
      exitCode: 128,
      problem: { kind: 'invalid' },
    });
  });

  test.for<[string, Answer]>([
    ['a connection cut', hangUp()],
    ["a proxy's patience", html(504)],
  ])(
    'whose answer is lost to %s is waited for, and believed by its start time',
    async ([, lost]) => {
      await using engine = await startFakeEngine({
        '/restart': lost,
        '/logs': bytes(),
        '/json': inspections({}, {}, silence(), {}, healthy),
      });
      const outcome = await restartReplica(engine.docker, 'backend1', options);
      expect(outcome.result).toBe('healthy');
      expect(outcome.problem).toBeUndefined();
    },
  );

  test('that Docker claims but the start time denies is not believed', async () => {
    await using engine = await startFakeEngine({
      '/restart': (_request, response) => response.writeHead(204).end(),
      '/json': inspections({}),
    });
    const outcome = await restartReplica(engine.docker, 'backend1', options);
    expect(outcome).toMatchObject({ result: 'not-restarted', problem: { kind: 'invalid' } });
  });

  test('by Podman, which gives a container without a health check an empty status, ends as running', async () => {
    const none = { StartedAt: later, Health: { Status: '', FailingStreak: 0, Log: null } };
    await using engine = await startFakeEngine({
      '/restart': (_request, response) => response.writeHead(204).end(),
      '/logs': bytes(),
      '/json': inspections({}, none),
    });
    expect(await restartReplica(engine.docker, 'backend1', options)).toMatchObject({
      result: 'running',
      startedAfter: later,
    });
  });

  test('that fails once and then holds is healthy; the results of the run before do not count', async () => {
    await using engine = await startFakeEngine({
      '/restart': (_request, response) => response.writeHead(204).end(),
      '/logs': bytes(),
      '/json': inspections(
        {},
        // Still the verdict of the run before.
        {
          StartedAt: later,
          Health: { Status: 'healthy', Log: [{ Start: '2026-11-23T03:04:59Z' }] },
        },
        { StartedAt: later, Restarting: true, Health: { Status: 'unhealthy', Log: [] } },
        {
          StartedAt: later,
          Health: { Status: 'unhealthy', Log: [{ Start: '2026-11-23T03:05:01Z' }] },
        },
        healthy,
      ),
    });
    const outcome = await restartReplica(engine.docker, 'backend1', options);
    expect(outcome.result).toBe('healthy');
    expect(engine.requests.filter((line) => line.endsWith('/json')).length).toBeGreaterThanOrEqual(
      5,
    );
  });

  test('that Docker has not answered is not called undone: it may still come', async () => {
    await using engine = await startFakeEngine({
      // A proxy's word is not the engine's.
      '/restart': (_request, response) => response.writeHead(504).end(),
      '/json': inspections({}),
    });
    // Of the time for the stop and for what Docker needs around it half a second is left.
    const outcome = await restartReplica(engine.docker, 'backend1', {
      ...options,
      stopTimeoutSeconds: -19.5,
    });
    expect(outcome.result).toBe('unknown');
    expect(outcome.problem?.summary).toMatch(
      /did not answer whether it restarts it, and still may/,
    );
  });

  test('after which Docker is slow to show the container is not given up', async () => {
    await using engine = await startFakeEngine({
      '/restart': (_request, response) => response.writeHead(204).end(),
      '/logs': bytes(),
      '/json': inspections({}, silence(), healthy),
    });
    const outcome = await restartReplica(engine.docker, 'backend1', options);
    expect(outcome.result).toBe('healthy');
  });

  test('after which Docker only waits to start it again is not taken for running', async () => {
    await using engine = await startFakeEngine({
      '/restart': (_request, response) => response.writeHead(204).end(),
      '/logs': bytes(),
      // Docker calls a container between two starts running.
      '/json': inspections({}, { StartedAt: later, Restarting: true, Status: 'restarting' }),
    });
    const patience = { ...options, healthyWithinMs: 4_500 };
    const outcome = await restartReplica(engine.docker, 'backend1', patience);
    expect(outcome.result).toBe('starting');
  });

  test('of a container that is removed meanwhile ends as unknown', async () => {
    await using engine = await startFakeEngine({
      '/restart': (_request, response) => response.writeHead(204).end(),
      '/logs': bytes(),
      '/json': inspections(
        {},
        { StartedAt: later },
        json(404, { message: 'No such container: x' }),
      ),
    });
    const outcome = await restartReplica(engine.docker, 'backend1', options);
    expect(outcome).toMatchObject({ result: 'unknown', problem: { kind: 'missing' } });
  });
});

describe('what Docker allows', () => {
  const notFound = json(404, { message: 'No such container: dbconn-probe' });

  type States = Record<keyof Awaited<ReturnType<typeof probeDocker>>, string>;
  const states = (state: string, others: Partial<States> = {}): States => ({
    read: state,
    restart: state,
    exec: state,
    recreate: state,
    server: state,
    ...others,
  });

  test.for<[string, Record<string, Answer>, States]>([
    [
      'a proxy for reading',
      { '/archive': notFound, GET: json(200, []), '': html(403) },
      states('refused', { read: 'allowed' }),
    ],
    [
      'a proxy for restarts only',
      { '/restart': notFound, '': html(403) },
      states('refused', { restart: 'allowed' }),
    ],
    [
      'a proxy that prepares programs but starts none',
      {
        '/archive': notFound,
        GET: json(200, []),
        '/exec/[^/]+/start': html(403),
        POST: notFound,
        DELETE: notFound,
      },
      states('allowed', { exec: 'refused' }),
    ],
    [
      'a proxy that removes nothing',
      { '/archive': notFound, GET: json(200, []), POST: notFound, DELETE: html(403) },
      states('allowed', { recreate: 'refused' }),
    ],
    ['a web server that is no engine', { '': html(404) }, states('unknown')],
  ])('%s', async ([, routes, expected]) => {
    await using engine = await startFakeEngine(routes);
    const permissions = await probeDocker(engine.docker);
    const { read, restart, exec, recreate, server } = permissions;
    expect({
      read: read.state,
      restart: restart.state,
      exec: exec.state,
      recreate: recreate.state,
      server: server.state,
    }).toEqual(expected);
    expect(JSON.stringify(permissions)).not.toMatch(/<|s3cret/);
    expect(engine.requests.filter((line) => !/^GET [^?]*\/containers\/json/.test(line))).toSatisfy(
      (lines: string[]) => lines.every((line) => line.includes('dbconn-probe-')),
    );
  });
});
