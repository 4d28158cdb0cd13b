import type Docker from 'dockerode';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/timing.ts';
import { connectDocker, probeDocker } from '../../src/docker/connect.ts';
import { execPsql } from '../../src/docker/exec-psql.ts';
import { recreateReplica } from '../../src/docker/recreate/recreate.ts';
import { restartReplica } from '../../src/docker/restart.ts';
import { DockerServices } from '../../src/docker/services.ts';
import { startAllowingProxy } from './allowing-proxy.ts';
import type { AllowingProxy } from './allowing-proxy.ts';
import { whyNoEngine } from './engine.ts';
import { readAllowList } from './read-allow-list.ts';
import { useStack } from './stack.ts';

const restart = { stopTimeoutSeconds: 5, healthyWithinMs: 60_000 };
const enginePath = (process.env['DOCKER_HOST'] ?? '/var/run/docker.sock').replace('unix://', '');

describe.skipIf(await whyNoEngine())('what each socket proxy of deploy/ lets through', () => {
  const stack = useStack({ replicas: 1 });
  let proxy: AllowingProxy;
  afterEach(() => proxy.close());

  async function behind(size: string): Promise<Docker> {
    proxy = await startAllowingProxy(enginePath, readAllowList(size));
    return connectDocker({ DOCKER_HOST: `unix://${proxy.socketPath}` });
  }

  /** Containers, their health, PostgreSQL's processes and all logs. */
  async function expectLook(docker: Docker): Promise<void> {
    const services = new DockerServices({
      docker,
      project: stack.project,
      services: [{ name: 'backend', workers: 1 }],
      postgresService: 'postgres',
      logTail: 20,
      clock: systemClock,
    });
    const [seen, logs] = await Promise.all([services.readServices(), services.readLogs()]);
    if (!seen.ok || !logs.ok) throw new Error('The containers could not be looked at.');
    expect(seen.value.services.map(({ name, problem }) => [name, problem])).toEqual([
      ['backend', undefined],
      ['postgres', undefined],
    ]);
    expect(seen.value.postgresProcesses?.clients).toBeGreaterThanOrEqual(0);
    expect(logs.value.map(({ problem }) => problem)).toEqual([undefined, undefined]);
  }

  const psql = (docker: Docker): Promise<string> =>
    execPsql(docker, {
      project: stack.project,
      postgresService: 'postgres',
      user: 'postgres',
      database: 'postgres',
    })('SELECT 42', 20_000);

  const recreate = (docker: Docker): ReturnType<typeof recreateReplica> =>
    recreateReplica(
      { docker, services: [] },
      { id: stack.ids.backend[0] ?? '', name: `${stack.project}-backend-1` },
      {
        environment: { poolSize: 6, maxOverflow: 2 },
        healthyWithinMs: 60_000,
      },
    );

  test('read-only: looks, and nothing else', async () => {
    const docker = await behind('read-only');
    await expectLook(docker);
    expect(proxy.refused).toEqual([]);
    expect(await probeDocker(docker)).toMatchObject({
      read: { state: 'allowed' },
      restart: { state: 'refused' },
      exec: { state: 'refused' },
    });
    const outcome = await restartReplica(docker, stack.ids.backend[0] ?? '', restart);
    expect(outcome).toMatchObject({ result: 'not-restarted', problem: { kind: 'forbidden' } });
  });

  test('restart: looks and restarts, and neither makes a container nor runs anything in one', async () => {
    const docker = await behind('restart');
    await expectLook(docker);
    const outcome = await restartReplica(docker, stack.ids.backend[0] ?? '', restart);
    expect(outcome).toMatchObject({ result: 'healthy' });
    expect(proxy.refused).toEqual([]);
    expect(await probeDocker(docker)).toMatchObject({
      restart: { state: 'allowed' },
      exec: { state: 'refused' },
      recreate: { state: 'refused' },
      server: { state: 'refused' },
    });
    await expect(psql(docker)).rejects.toThrow(/EXEC=1/);
    expect((await recreate(docker)).result).toBe('put back');
    const container = docker.createContainer({ Image: 'dbconn-test/backend' });
    await expect(container).rejects.toMatchObject({ statusCode: 403 });
  });

  test('recreate: makes a container anew and runs psql in one, and no more than dbconn asks for', async () => {
    const docker = await behind('recreate');
    await expectLook(docker);
    expect(await psql(docker)).toContain('42');
    expect(await recreate(docker)).toMatchObject({ result: 'recreated' });
    expect(await probeDocker(docker)).toMatchObject({
      exec: { state: 'allowed' },
      recreate: { state: 'allowed' },
      server: { state: 'allowed' },
    });
    expect(proxy.refused).toEqual([]);
    const volume = docker.createVolume({ Name: `${stack.project}-must-not` });
    await expect(volume).rejects.toMatchObject({ statusCode: 403 });
  });
});
