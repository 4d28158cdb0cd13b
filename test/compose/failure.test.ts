import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import Docker from 'dockerode';
import { describe, expect, test } from 'vitest';
import { withTimeout } from '../../src/timing.ts';
import { toProblem } from '../../src/docker/failure.ts';
import type { DockerAction } from '../../src/docker/failure.ts';
import { findContainers } from '../../src/docker/containers.ts';
import type { Problem } from '../../src/runbook/snapshot/snapshot.ts';
import { hangUp, html, json, silence, startFakeEngine } from './fake-engine.ts';
import type { Answer } from './fake-engine.ts';

/** Something on a port of this machine that treats every connection so. */
async function startListener(
  onConnection: (socket: Socket) => void = () => {},
): Promise<{ readonly port: number } & AsyncDisposable> {
  const open: Socket[] = [];
  const server = createServer((socket) => {
    open.push(socket);
    socket.on('error', () => socket.destroy());
    onConnection(socket);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port was given.');
  return {
    port: address.port,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

/** The problem a real dockerode's failure to list becomes. */
async function listing(docker: Docker, budgetMs = 20_000): Promise<Problem> {
  try {
    await findContainers(docker, 'shop', budgetMs);
  } catch (error) {
    return toProblem(error, 'the containers of project shop');
  }
  throw new Error('The list was read.');
}

async function answering(answer: Answer, budgetMs?: number): Promise<Problem> {
  await using engine = await startFakeEngine({ '': answer });
  // Awaited here, or the engine would be gone before it answered.
  return await listing(engine.docker, budgetMs);
}

describe('a way to Docker that is not there', () => {
  test('a missing socket says where it was looked for, and to mount it', async () => {
    const problem = await listing(new Docker({ socketPath: '/nowhere/docker.sock' }));
    expect(problem.kind).toBe('missing');
    expect(problem.summary).toContain('/nowhere/docker.sock');
    expect(problem.fix).toContain('mount the socket');
  });

  test("a socket of another group gives that group's number for group_add", async () => {
    await using engine = await startFakeEngine({ '': json(200, []) });
    chmodSync(dirname(engine.socketPath), 0o755);
    chmodSync(engine.socketPath, 0o600);
    const root = process.getuid?.() === 0;
    // Root may open anything; for as long as it takes, be nobody.
    if (root) process.seteuid?.(65_534);
    else chmodSync(engine.socketPath, 0o000);
    const problem = await listing(engine.docker).finally(() => {
      if (root) process.seteuid?.(0);
    });
    expect(problem.kind).toBe('forbidden');
    expect(problem.fix).toContain(`group_add: ["${statSync(engine.socketPath).gid}"]`);
  });

  test('a socket nobody listens on means a stopped engine', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'dbconn-dead-'));
    const socketPath = join(directory, 'docker.sock');
    const listen = `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
    try {
      // The file of a socket stays behind when its process is killed.
      expect(spawnSync(process.execPath, ['-e', listen, socketPath]).signal).toBe('SIGKILL');
      const problem = await listing(new Docker({ socketPath }));
      expect(problem.kind).toBe('unreachable');
      expect(problem.summary).toContain('is stopped');
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test('a port nobody listens on is named with its host', async () => {
    const { port, ...listener } = await startListener();
    await listener[Symbol.asyncDispose]();
    const problem = await listing(new Docker({ host: '127.0.0.1', port, protocol: 'http' }));
    expect(problem.kind).toBe('unreachable');
    expect(problem.summary).toContain(`127.0.0.1:${port}`);
  });

  test('a host without an address points at DOCKER_HOST', async () => {
    const docker = new Docker({ host: 'no-such-host.invalid', port: 2375, protocol: 'http' });
    expect(await listing(docker)).toMatchObject({ kind: 'unreachable' });
    expect((await listing(docker)).fix).toContain('DOCKER_HOST');
  });

  test('TLS spoken to a plain port asks for the certificates', async () => {
    await using listener = await startListener((socket) =>
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
    );
    const { port } = listener;
    const problem = await listing(new Docker({ host: '127.0.0.1', port, protocol: 'https' }));
    expect(problem.kind).toBe('forbidden');
    expect(problem.fix).toContain('DOCKER_CERT_PATH');
  });
});

describe('a refusal', () => {
  test("a proxy's page is never repeated; its missing switch is named instead", async () => {
    const problem = await answering(html(403));
    expect(problem).toMatchObject({ kind: 'forbidden', summary: 'Reading containers is refused.' });
    expect(problem.fix).toContain('CONTAINERS=1');
    expect(JSON.stringify(problem)).not.toMatch(/<|s3cret|h1/);
  });

  test.for<[DockerAction, RegExp]>([
    ['read', /CONTAINERS=1/],
    ['restart', /POST=1 and ALLOW_RESTARTS=1/],
    ['exec', /EXEC=1/],
  ])('to %s names the switches for that', async ([action, switches]) => {
    await using engine = await startFakeEngine({ '': html(403) });
    const refused: unknown = await engine.docker
      .getContainer('abc')
      .restart()
      .catch((error: unknown) => error);
    expect(toProblem(refused, 'container abc', action).fix).toMatch(switches);
  });
});

describe('an answer that is no success', () => {
  test.for<[string, Answer, Partial<Problem>]>([
    [
      'a container that vanished',
      json(404, { message: 'No such container: x' }),
      { kind: 'missing' },
    ],
    ['a page where an engine should be', html(404), { kind: 'invalid' }],
    ['a stopped or paused container', json(409, { message: 'x is paused' }), { kind: 'invalid' }],
    ['an engine that fails', json(500, { message: 'open /var/lib/x' }), { kind: 'invalid' }],
    ['a proxy without its engine', html(503), { kind: 'unreachable' }],
    ['a proxy that waited too long', html(504), { kind: 'unreachable' }],
    ['a connection cut in the middle', hangUp(), { kind: 'unreachable' }],
    ['JSON of some other service', json(200, { hello: 'world' }), { kind: 'invalid' }],
    [
      'an engine too old for the API version',
      json(400, {
        message: 'client version 1.52 is too new. Maximum supported API version is 1.41',
      }),
      { kind: 'unsupported' },
    ],
    ['a bad request otherwise', json(400, { message: 'invalid filter' }), { kind: 'invalid' }],
  ])('%s', async ([, answer, expected]) => {
    const problem = await answering(answer);
    expect(problem).toMatchObject(expected);
    expect(problem.fix).toBeTruthy();
    expect(JSON.stringify(problem)).not.toMatch(/<|s3cret|\/var\/lib/);
  });

  test('something that speaks no HTTP is not taken for Docker', async () => {
    await using listener = await startListener((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'));
    const { port } = listener;
    const problem = await listing(new Docker({ host: '127.0.0.1', port, protocol: 'http' }));
    expect(problem.kind).toBe('invalid');
  });

  test('an engine that hangs is given its budget and no more, and told by its seconds', async () => {
    const problem = await answering(silence(), 1_500);
    expect(problem).toMatchObject({ kind: 'timeout' });
    expect(problem.summary).toContain('within 1.5 s');
  });

  test('a call deaf to its signal is left behind all the same', async () => {
    const deaf = withTimeout(50, () => new Promise(() => {}));
    await expect(deaf).rejects.toThrow('No answer within 50 ms.');
  });
});
