import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { readLogLines } from '../../src/docker/logs/read-logs.ts';
import { Diagnosis } from '../../src/runbook/diagnose/diagnosis.ts';
import { findCanary } from './stack-monitor.ts';
import { whyNoEngine } from './engine.ts';
import { run, startStack } from './stack.ts';
import type { Stack } from './stack.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));

/** What the engine tells of a container that has ended. */
const Ended = z.object({ StatusCode: z.number() });

interface Answer {
  readonly exitCode: number;
  readonly diagnosis: Diagnosis;
}

describe.skipIf(await whyNoEngine())('dbconn in a container of the same compose project', () => {
  let stack: Stack;
  let folder: string;
  beforeAll(async () => {
    stack = await startStack({ replicas: 2 });
    folder = mkdtempSync(join(tmpdir(), 'dbconn-inside-'));
    const target = {
      name: 'shop',
      database: { url: 'postgresql://dbconn:looking-secret@postgres/shop' },
      compose: { project: stack.project, postgres: 'postgres' },
      services: [{ name: 'backend' }],
      pools: [{ service: 'backend', url: 'http://backend:8000/metrics' }],
    };
    // JSON is YAML too.
    writeFileSync(join(folder, 'dbconn.yml'), JSON.stringify({ targets: [target] }));
  });
  afterAll(async () => {
    await stack.close();
    rmSync(folder, { recursive: true });
  });

  /** The terminal's answer, out of a container that ends with it. */
  async function status(): Promise<Answer> {
    const id = await run(stack.docker, stack.project, {
      service: 'dbconn',
      oneoff: true,
      spec: {
        Image: 'dbconn-test/backend',
        User: '0:0', // may open the engine's socket
        Cmd: ['/app/node', '/repository/src/cli.ts', 'status', '--json'],
        Env: ['DBCONN_CONFIG=/app/dbconn.yml'],
        HostConfig: {
          Binds: [
            '/usr:/usr:ro',
            '/var/run/docker.sock:/var/run/docker.sock',
            `${process.execPath}:/app/node:ro`,
            `${repository}:/repository:ro`,
            `${folder}/dbconn.yml:/app/dbconn.yml:ro`,
          ],
        },
      },
    });
    const container = stack.docker.getContainer(id);
    const { StatusCode: exitCode } = Ended.parse(await container.wait());
    const bounds = { tail: 10_000, maxBytes: 1024 * 1024, budgetMs: 10_000 };
    const { lines } = await readLogLines(stack.docker, id, bounds);
    await container.remove();
    const text = lines.map((line) => line.text).join('\n');
    expect(findCanary(text)).toBeUndefined();
    if (!text.startsWith('{')) throw new Error(text);
    return { exitCode, diagnosis: Diagnosis.parse(JSON.parse(text)) };
  }

  test('reaches PostgreSQL and both replicas behind one name of the network', async () => {
    const { exitCode, diagnosis } = await status();
    expect({ exitCode, state: diagnosis.state }).toEqual({ exitCode: 0, state: 'fine' });
    expect(diagnosis.reach.via).toBe('connection');
    expect(diagnosis.pools).toMatchObject([{ limit: 15 }, { limit: 15 }]);
    expect(diagnosis.budget.lines).toMatchObject([{ replicas: 2, mayOpen: 30 }]);
  });

  test('calls a paused PostgreSQL frozen', async () => {
    const postgres = stack.docker.getContainer(stack.ids.postgres);
    await postgres.pause();
    try {
      const { exitCode, diagnosis } = await status();
      expect(diagnosis.reach.error?.kind).toBe('frozen');
      expect(diagnosis.tookMs).toBeLessThan(5_000);
      expect(exitCode).toBe(2);
    } finally {
      await postgres.unpause();
    }
  });

  test('calls a stopped PostgreSQL stopped, although its name is gone from the network', async () => {
    await stack.docker.getContainer(stack.ids.postgres).stop({ t: 20 });
    const { exitCode, diagnosis } = await status();
    expect(diagnosis.reach.error?.kind).toBe('stopped');
    expect(diagnosis.findings).toContainEqual(
      expect.objectContaining({ id: 'server-stopped', severity: 'critical' }),
    );
    expect(exitCode).toBe(2);
  });
});
