import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { connectDocker } from '../../src/docker/connect.ts';
import { toProblem } from '../../src/docker/failure.ts';
import { findContainers } from '../../src/docker/containers.ts';
import { json, listed, startFakeEngine } from '../compose/fake-engine.ts';
import type { Problem } from '../../src/runbook/snapshot/snapshot.ts';

/** As podman-compose labels a container: no com.docker.compose.oneoff, not even for those of `run`. */
function podman(service: string, number: number, name = `/shop_${service}_${number}`): object {
  return listed(service, number, {
    Id: name.padEnd(64, '0'),
    Names: [name],
    Labels: {
      'io.podman.compose.project': 'shop',
      'io.podman.compose.version': '1.0.3',
      'com.docker.compose.project': 'shop',
      'com.docker.compose.container-number': String(number),
      'com.docker.compose.service': service,
    },
  });
}

test.for<[string, readonly object[], readonly string[]]>([
  ['one container', [podman('backend', 1)], ['shop_backend_1']],
  [
    'two replicas',
    [podman('backend', 2), podman('backend', 1)],
    ['shop_backend_1', 'shop_backend_2'],
  ],
  [
    'a one-off of podman-compose run',
    [podman('backend', 1, '/shop_backend_tmp4711'), podman('backend', 1)],
    ['shop_backend_1'],
  ],
  [
    'a one-off with the newer separator',
    [podman('backend', 1, '/shop-backend-tmp12'), podman('backend', 1, '/shop-backend-1')],
    ['shop-backend-1'],
  ],
  ['a name of one’s own', [podman('backend', 1, '/orders-api')], ['orders-api']],
])('podman-compose: %s', async ([, containers, names]) => {
  await using engine = await startFakeEngine({ '/containers/json': json(200, containers) });
  const found = await findContainers(engine.docker, 'shop', 60_000);
  expect(found.get('backend')?.map(({ name }) => name)).toEqual(names);
});

describe('without a socket', () => {
  let home = '';
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'dbconn-home-'));
    vi.stubEnv('HOME', home);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(home, { recursive: true });
  });

  /** What becomes of asking an engine that is not there. */
  async function problem(): Promise<Problem> {
    const docker = connectDocker({ DOCKER_HOST: `unix://${join(home, 'docker.sock')}` });
    return findContainers(docker, 'shop', 60_000).then(
      () => {
        throw new Error('The list was read.');
      },
      (error: unknown) => toProblem(error, 'the containers of project shop'),
    );
  }

  function useContext(name: unknown, host?: string): void {
    mkdirSync(join(home, '.docker'));
    writeFileSync(join(home, '.docker/config.json'), JSON.stringify({ currentContext: name }));
    if (host === undefined || typeof name !== 'string') return;
    const id = createHash('sha256').update(name).digest('hex');
    mkdirSync(join(home, '.docker/contexts/meta', id), { recursive: true });
    const meta = { Name: name, Metadata: {}, Endpoints: { docker: { Host: host } } };
    writeFileSync(join(home, '.docker/contexts/meta', id, 'meta.json'), JSON.stringify(meta));
  }

  test('a context is named, with the address that DOCKER_HOST has to be', async () => {
    useContext('colima', 'unix:///Users/maya/.colima/default/docker.sock');
    const { kind, summary, fix } = await problem();
    expect([kind, summary]).toEqual([
      'missing',
      `There is no Docker socket at ${home}/docker.sock.`,
    ]);
    expect(fix).toBe(
      'The docker command here uses the context colima: set compose.docker.context to colima in dbconn.yml, or DOCKER_HOST=unix:///Users/maya/.colima/default/docker.sock.',
    );
  });

  test.for<[string, string | undefined]>([
    ['whose address is not kept', undefined],
    ['behind SSH', 'ssh://maya@host'],
  ])('a context %s is named all the same', async ([, host]) => {
    useContext('colima', host);
    const { fix } = await problem();
    expect(fix).toContain('context colima');
    expect(fix).toContain('set DOCKER_HOST to the address that `docker context inspect colima`');
  });

  test.for<[string, unknown]>([
    ['the default context', 'default'],
    ['a name that is none', 'x; rm -rf /'],
    ['no name', 7],
  ])('%s leaves the general advice, which names both', async ([, name]) => {
    useContext(name);
    const { fix } = await problem();
    expect(fix).toMatch(/^Start Docker, or set DOCKER_HOST to what `docker context inspect` shows/);
    expect(fix).not.toContain('rm -rf');
  });

  test('neither a missing nor a broken configuration of Docker does harm', async () => {
    expect((await problem()).fix).toMatch(/^Start Docker/);
    mkdirSync(join(home, '.docker'));
    writeFileSync(join(home, '.docker/config.json'), '{"currentContext":');
    expect((await problem()).fix).toMatch(/^Start Docker/);
  });
});
