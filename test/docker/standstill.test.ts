import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Diagnosis } from '../../src/runbook/diagnose/diagnosis.ts';
import { createStackMonitor } from './stack-monitor.ts';
import type { StackMonitor } from './stack-monitor.ts';
import { whyNoEngine } from './engine.ts';
import { eventually } from './eventually.ts';
import { startStack } from './stack.ts';
import type { Stack } from './stack.ts';

describe.skipIf(await whyNoEngine())('a PostgreSQL that stands still', () => {
  let stack: Stack;
  /** One has a connection from before, the other has none. */
  let monitors: readonly StackMonitor[];
  beforeAll(async () => {
    stack = await startStack({ maxConnections: 30 });
    const [first, second] = [createStackMonitor(stack), createStackMonitor(stack)];
    monitors = [first, second];
    await first.diagnose();
  });
  afterAll(async () => {
    try {
      await Promise.all(monitors.map((monitor) => monitor.close()));
    } finally {
      await stack.close();
    }
  });

  async function diagnoseAll(): Promise<readonly Diagnosis[]> {
    return Promise.all(monitors.map((monitor) => monitor.diagnose()));
  }

  /** On a busy machine the engine may take longer than a look waits for it. */
  function diagnoseWithContainers(): Promise<readonly Diagnosis[]> {
    return eventually(diagnoseAll, (all) =>
      all.every(({ findings }) => findings.some(({ id }) => id === 'replica-down')),
    );
  }

  function expectInTime(diagnosis: Diagnosis, state: string): void {
    expect(diagnosis.tookMs).toBeLessThan(5_000);
    expect(diagnosis).toMatchObject({ state: 'critical', capacity: null, reach: { via: 'none' } });
    const down = diagnosis.findings.find(({ id }) => id === 'replica-down');
    expect(down?.evidence.join()).toContain(`${stack.project}-postgres-1: ${state}`);
  }

  test('is frozen while its container is paused, and answers both again afterwards', async () => {
    const container = stack.docker.getContainer(stack.ids.postgres);
    await container.pause();
    try {
      for (const diagnosis of await diagnoseWithContainers()) {
        expectInTime(diagnosis, 'paused');
        expect(diagnosis.reach.error?.kind).toBe('frozen');
        expect(diagnosis.findings).toContainEqual(
          expect.objectContaining({ id: 'server-frozen', severity: 'critical' }),
        );
      }
    } finally {
      await container.unpause();
    }
    await eventually(diagnoseAll, (found) =>
      found.every(({ reach, capacity }) => reach.error === undefined && capacity?.free === 25),
    );
  });

  test('is stopped when its container has ended', async () => {
    await stack.docker.getContainer(stack.ids.postgres).stop({ t: 20 });
    for (const diagnosis of await diagnoseWithContainers()) {
      expectInTime(diagnosis, 'exited');
      expect(diagnosis.reach.error?.kind).toBe('stopped');
      expect(diagnosis.findings).toContainEqual(
        expect.objectContaining({ id: 'server-stopped', severity: 'critical' }),
      );
    }
  });
});
