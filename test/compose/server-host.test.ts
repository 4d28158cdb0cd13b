import { expect, test } from 'vitest';
import { ContainerHost } from '../../src/docker/server-host.ts';
import { writeTar } from '../../src/docker/container-files.ts';
import type { ServerHost } from '../../src/runbook/remedies/b-raise-max-connections/ports.ts';
import { json, startFakeEngine } from './fake-engine.ts';
import type { FakeEngine, Routes } from './fake-engine.ts';

const id = 'a'.repeat(64);
const files = { path: '/data/postgresql.auto.conf', copyPath: '/data/postgresql.auto.conf.kept' };

function listed(...ids: readonly string[]): Routes[string] {
  return json(
    200,
    ids.map((Id) => ({
      Id,
      Names: [`/shop-postgres-${Id[0]}`],
      Labels: { 'com.docker.compose.service': 'postgres' },
      State: 'running',
      Status: 'Up 3 minutes',
    })),
  );
}

function inspected(isRunning: () => boolean, stopSignal = 'SIGINT'): Routes[string] {
  return (request, response) =>
    json(200, {
      Id: id,
      Name: '/shop-postgres-1',
      RestartCount: 0,
      State: { Status: 'running', Running: isRunning(), StartedAt: '2026-11-23T03:00:00Z' },
      Config: { Env: [], StopSignal: stopSignal },
      HostConfig: { Memory: 0 },
    })(request, response);
}

function hostOf({ docker }: FakeEngine): ServerHost {
  return new ContainerHost({ docker, project: 'shop', postgresService: 'postgres' });
}

test('a stop whose answer a proxy cuts short is waited for all the same', async () => {
  let looks = 0;
  await using engine = await startFakeEngine({
    '^GET /containers/json': listed(id),
    '^GET /containers/a+/json': inspected(() => (looks += 1) < 4),
    '^POST /containers/a+/stop': (_, response) => response.writeHead(504).end('<html>'),
  });
  await hostOf(engine).stop();
  expect(engine.requests).toContainEqual(expect.stringContaining('/stop?t=300'));
  expect(engine.requests.join()).not.toContain('/kill');
});

test('a server that SIGTERM would leave waiting for its clients is told SIGINT as well', async () => {
  let isRunning = true;
  await using engine = await startFakeEngine({
    '^GET /containers/json': listed(id),
    '^GET /containers/a+/json': inspected(() => isRunning, 'SIGTERM'),
    '^POST /containers/a+/stop': (_, response) => response.writeHead(504).end(),
    '^POST /containers/a+/kill': (_, response) => {
      isRunning = false;
      response.writeHead(204).end();
    },
  });
  await hostOf(engine).stop();
  expect(engine.requests).toContainEqual(expect.stringContaining('/kill?signal=SIGINT'));
});

test('a proxy that lets nothing be written is told of with what to allow', async () => {
  const bytes = Buffer.from('');
  const tar = writeTar({ name: 'x', mode: 0o600, uid: 1, gid: 1, modifiedAt: 1, bytes });
  await using engine = await startFakeEngine({
    '^GET /containers/json': listed(id),
    '^GET /containers/a+/archive': (_, response) => response.writeHead(200).end(tar),
    '^PUT /containers/a+/archive': (_, response) => response.writeHead(403).end('Forbidden'),
  });
  await expect(hostOf(engine).keepCopy(files)).rejects.toThrow(
    'writing into the container of PostgreSQL is refused. Allow it in the proxy: POST=1 and CONTAINERS=1',
  );
});

test('where nothing can be run inside, the copy loses its content and its name is told', async () => {
  const bytes = Buffer.from("max_connections = '200'");
  const tar = writeTar({ name: 'x', mode: 0o600, uid: 999, gid: 999, modifiedAt: 1, bytes });
  let written = Buffer.alloc(0);
  await using engine = await startFakeEngine({
    '^GET /containers/json': listed(id),
    '^GET /containers/a+/archive': (_, response) => response.writeHead(200).end(tar),
    '^POST /containers/a+/exec': (_, response) => response.writeHead(403).end('Forbidden'),
    '^PUT /containers/a+/archive': (request, response) => {
      request.on('data', (chunk: Buffer) => (written = Buffer.concat([written, chunk])));
      request.on('end', () => response.writeHead(200).end());
    },
  });
  expect(await hostOf(engine).removeCopy(files)).toBe('emptied');
  expect(written.toString('utf8')).toContain('postgresql.auto.conf.kept');
  expect(written.toString('utf8')).not.toContain('max_connections');
});

test('of two containers of the service none is touched', async () => {
  await using engine = await startFakeEngine({
    '^GET /containers/json': listed(id, 'b'.repeat(64)),
  });
  await expect(hostOf(engine).stop()).rejects.toThrow('has 2 containers of the service postgres');
  expect(engine.requests).toHaveLength(1);
});
