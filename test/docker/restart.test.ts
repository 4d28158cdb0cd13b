import { describe, expect, test, vi } from 'vitest';
import { connectDocker, probeDocker } from '../../src/docker/connect.ts';
import { restartReplica } from '../../src/docker/restart.ts';
import { startCuttingProxy } from './cutting-proxy.ts';
import { whyNoEngine } from './engine.ts';
import { run, useStack } from './stack.ts';

const options = { stopTimeoutSeconds: 5, healthyWithinMs: 60_000 };

describe.skipIf(await whyNoEngine())('restarting a replica', () => {
  const stack = useStack({ replicas: 2 });

  async function startedAt(id: string): Promise<string> {
    return (await stack.docker.getContainer(id).inspect()).State.StartedAt;
  }

  function replica(number: number): string {
    return stack.ids.backend[number - 1] ?? '';
  }

  /** A container whose second start runs the script; comes back once its first start has come to rest. */
  async function runSecond(number: number, script: string, healthcheck?: string): Promise<string> {
    const first = 'touch /tmp/second; echo first start; sleep 300 & wait';
    const id = await run(stack.docker, stack.project, {
      service: 'odd',
      number,
      spec: {
        Image: 'dbconn-test/backend',
        Cmd: ['sh', '-c', `if [ -e /tmp/second ]; then ${script}; fi; ${first}`],
        ...(healthcheck !== undefined && {
          Healthcheck: {
            Test: ['CMD-SHELL', healthcheck],
            Interval: 300_000_000,
            Timeout: 5_000_000_000,
            Retries: 1,
          },
        }),
      },
    });
    const container = stack.docker.getContainer(id);
    await vi.waitFor(
      async () => expect(String(await container.logs({ stdout: true }))).toContain('first start'),
      { timeout: 30_000 },
    );
    return id;
  }

  test('a restarted replica is healthy with a new start time, and its neighbour is left alone', async () => {
    const before = await Promise.all([startedAt(replica(1)), startedAt(replica(2))]);
    await fetch(`${await stack.backendUrl()}/leak?n=3`, { method: 'POST' });
    const outcome = await restartReplica(stack.docker, replica(1), options);
    expect(outcome).toMatchObject({
      result: 'healthy',
      startedAfter: await startedAt(replica(1)),
      exitCode: null,
      healthOutput: null,
    });
    expect(outcome.startedAfter).not.toBe(before[0]);
    expect(outcome.problem).toBeUndefined();
    expect(outcome.lastLogLines.join('\n')).toContain('serving with Pool size: 5');
    expect(await startedAt(replica(2))).toBe(before[1]);
    expect((await fetch(`${await stack.backendUrl()}/query`)).status).toBe(200);
  });

  test('a restart whose answer was lost is proven by the new start time, not called failed', async () => {
    const proxy = await startCuttingProxy('/var/run/docker.sock', /^POST \S+\/restart/);
    try {
      const docker = connectDocker({ DOCKER_HOST: `unix://${proxy.socketPath}` });
      const before = await startedAt(replica(2));
      const outcome = await restartReplica(docker, replica(2), options);
      expect(outcome).toMatchObject({ result: 'healthy' });
      expect(outcome.startedAfter).toBe(await startedAt(replica(2)));
      expect(outcome.startedAfter).not.toBe(before);
      expect(outcome.problem).toBeUndefined();
    } finally {
      await proxy.close();
    }
  });

  test('a replica that cannot start is called a crash loop, with its last words but not its password', async () => {
    await fetch(`${await stack.backendUrl()}/crash-on-next-start`, { method: 'POST' });
    const began = performance.now();
    const outcome = await restartReplica(stack.docker, replica(1), options);
    expect(outcome.result).toBe('crash-loop');
    expect(outcome.lastLogLines.join('\n')).toContain('cannot start');
    expect(outcome.lastLogLines.join('\n')).not.toContain('hunter2');
    expect(performance.now() - began).toBeLessThan(options.healthyWithinMs);
  });

  test('without a health check a replica counts as running once it has stayed up', async () => {
    const id = await runSecond(1, ':');
    const began = performance.now();
    const outcome = await restartReplica(stack.docker, id, {
      ...options,
      stopTimeoutSeconds: 0,
    });
    expect(outcome.result).toBe('running');
    expect(performance.now() - began).toBeGreaterThanOrEqual(3_000);
  });

  test('a replica that ends right away is down, with its exit code', async () => {
    const outcome = await restartReplica(stack.docker, await runSecond(2, 'exit 7'), {
      ...options,
      stopTimeoutSeconds: 0,
    });
    expect(outcome).toMatchObject({ result: 'exited', exitCode: 7 });
  });

  test('a replica that was well before and is not after is unhealthy, in the words of its check', async () => {
    const id = await runSecond(
      3,
      ':; touch /tmp/ill',
      'if [ -e /tmp/ill ]; then echo "no pool, token=abc123secret"; exit 1; fi',
    );
    const outcome = await restartReplica(stack.docker, id, {
      stopTimeoutSeconds: 0,
      healthyWithinMs: 5_000,
    });
    expect(outcome.result).toBe('unhealthy');
    expect(outcome.healthOutput).toContain('no pool');
    expect(outcome.healthOutput).not.toContain('abc123secret');
  });

  test('a container that is gone is named', async () => {
    const gone = await restartReplica(stack.docker, '0'.repeat(64), options);
    expect(gone).toMatchObject({ result: 'unknown', problem: { kind: 'missing' } });
  });

  test('the engine itself allows everything, and asking harms nobody', async () => {
    const before = await startedAt(replica(2));
    expect(await probeDocker(stack.docker)).toEqual({
      read: { state: 'allowed' },
      restart: { state: 'allowed' },
      exec: { state: 'allowed' },
      recreate: { state: 'allowed' },
      server: { state: 'allowed' },
    });
    expect(await startedAt(replica(2))).toBe(before);
  });
});
