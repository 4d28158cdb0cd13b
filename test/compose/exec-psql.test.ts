import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { execPsql } from '../../src/docker/exec-psql.ts';
import { frame, html, json, listed, startFakeEngine } from './fake-engine.ts';
import type { Answer, Routes } from './fake-engine.ts';

const options = {
  project: 'shop',
  postgresService: 'postgres',
  user: 'o\'wner"',
  database: 'shop; drop',
};

const Asked = z.object({ Cmd: z.array(z.string()), Env: z.array(z.string()) });
type Asked = z.infer<typeof Asked>;

/** An engine in which psql prints this and ends so. */
async function psql(
  run: (socket: Socket) => void,
  exitCode: number | null,
  more: Routes = {},
): Promise<{ result: PromiseSettledResult<string>; asked: Asked[] }> {
  const asked: Asked[] = [];
  const left: Promise<unknown>[] = [];
  const create: Answer = (request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += String(chunk)));
    request.on('end', () => {
      asked.push(Asked.parse(JSON.parse(body)));
      json(201, { Id: 'run1' })(request, response);
    });
  };
  await using engine = await startFakeEngine(
    {
      '/containers/json': json(200, [listed('postgres', 1)]),
      'POST /containers/.*/exec': create,
      'GET /exec/run1/json': json(200, { ExitCode: exitCode }),
      ...more,
    },
    (_request, socket) => {
      socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n');
      left.push(once(socket.resume(), 'close'));
      // Node's HTTP server leaves its half open when the client has gone.
      socket.on('end', () => socket.end());
      run(socket);
    },
  );
  const [result] = await Promise.allSettled([execPsql(engine.docker, options)('SELECT $1', 1_500)]);
  // However it ended, the client must have hung up: a forgotten connection would hold this for ever.
  await Promise.all(left);
  return { result, asked };
}

describe('psql in the container', () => {
  test('gets statement and names as arguments, never as script, and carries its own ends', async () => {
    const { result, asked } = await psql((socket) => {
      socket.write(frame('one\n', 'stdout').subarray(0, 5));
      socket.end(
        Buffer.concat([
          frame('one\n', 'stdout').subarray(5),
          frame('NOTICE\n'),
          frame('two\n', 'stdout'),
        ]),
      );
    }, 0);
    expect(result).toEqual({ status: 'fulfilled', value: 'one\ntwo\n' });
    const [{ Cmd, Env } = { Cmd: [], Env: [] }] = asked;
    expect(Cmd.slice(-3)).toEqual([options.user, options.database, 'SELECT $1']);
    expect(Cmd.slice(0, -3).join(' ')).not.toMatch(/owner|drop|SELECT/);
    expect(Env).toContain('PGCONNECT_TIMEOUT=2');
    expect(Env.join()).toMatch(/statement_timeout=1500 .*default_transaction_read_only=on/);
  });

  test("a failure is the server's word, without what psql adds and without secrets", async () => {
    const { result } = await psql((socket) => {
      socket.end(
        frame(
          'psql: error: connection to server on socket "/run/x" failed: FATAL:  password authentication failed for user "app" password=hunter2\nLINE 1: SELECT 1\n',
        ),
      );
    }, 2);
    expect(result).toMatchObject({
      status: 'rejected',
      reason: { name: 'PsqlFailure', exitCode: 2 },
    });
    const said = String(result.status === 'rejected' && result.reason);
    expect(said).toContain('FATAL:  password authentication failed');
    expect(said).not.toMatch(/hunter2|LINE 1|\/run/);
  });

  test.for<[string, number | null, RegExp]>([
    ['no psql', 127, /has no psql/],
    ['nothing that can be run', 126, /has no psql/],
    ['no exit code', null, /psql ended without a word/],
  ])('an image with %s says so', async ([, exitCode, message]) => {
    const { result } = await psql((socket) => socket.end(), exitCode);
    expect(String(result.status === 'rejected' && result.reason)).toMatch(message);
  });

  test('that never ends is left, connection and all, when the time is up', async () => {
    const { result } = await psql(() => {}, null);
    expect(result).toMatchObject({ reason: { problem: { kind: 'timeout' } } });
  });

  test('that a proxy refuses names the switches', async () => {
    const { result } = await psql((socket) => socket.end(), 0, {
      'POST /containers/.*/exec': html(403),
    });
    expect(result).toMatchObject({ reason: { problem: { kind: 'forbidden' } } });
    expect(String(result.status === 'rejected' && result.reason)).toContain('EXEC=1');
  });

  test('needs a running container', async () => {
    const { result } = await psql((socket) => socket.end(), 0, {
      '/containers/json': json(200, [listed('postgres', 1, { State: 'exited' })]),
    });
    expect(result).toMatchObject({ reason: { problem: { kind: 'missing' } } });
  });
});
