import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KillPoint } from '../../crash/killing-journal.ts';
import { whyNoEngine } from '../engine.ts';
import { startStack } from '../stack.ts';
import type { Stack } from '../stack.ts';
import { killPoints, runKilled } from './killed.ts';

const [few, many] = [
  { poolSize: 4, maxOverflow: 2 },
  { poolSize: 5, maxOverflow: 10 },
] as const;

describe.skipIf(await whyNoEngine())('option E, killed on a real engine', () => {
  let stack: Stack;
  let urls: readonly string[];
  let directory: string;
  beforeAll(async () => {
    stack = await startStack();
    urls = await stack.backendUrls();
    directory = mkdtempSync(join(tmpdir(), 'dbconn-project-'));
    writeFileSync(join(directory, '.env'), toLines(many).join('\n'));
  });
  afterAll(async () => {
    await stack.close();
    rmSync(directory, { recursive: true });
  });

  /** One container, running and healthy, with the numbers that the file says too. */
  async function readPool(): Promise<typeof few | typeof many> {
    const label = [
      `com.docker.compose.project=${stack.project}`,
      'com.docker.compose.service=backend',
    ];
    const listed = await stack.docker.listContainers({ all: true, filters: { label } });
    expect(listed.map(({ Names: names }) => names)).toEqual([[`/${stack.project}-backend-1`]]);
    const { Config: config, State: state } = await stack.docker
      .getContainer(`${stack.project}-backend-1`)
      .inspect();
    expect(state).toMatchObject({ Running: true, Health: { Status: 'healthy' } });
    const now = [few, many].find((one) => toLines(one).every((line) => config.Env.includes(line)));
    if (now === undefined) throw new Error('The container has neither numbers.');
    expect(readFileSync(join(directory, '.env'), 'utf8').trim()).toBe(toLines(now).join('\n'));
    expect(readdirSync(directory)).toEqual(['.env']);
    return now;
  }

  async function resize(point: KillPoint | null): Promise<readonly string[]> {
    const before = await readPool();
    const size = before === few ? many : few;
    const ask = { kind: 'resize-pool', service: 'backend', size } as const;
    const options = { directory, urls };
    const { ended, writes } = await runKilled({ stack, options, ask, point });
    const after = await readPool();
    const item = ended.result?.report.items.find(({ what }) => what.endsWith('-backend-1'));
    expect({ after, recreated: item?.outcome === 'recreated' }).toEqual({
      after,
      recreated: after === size,
    });
    return writes;
  }

  test('at the end of any of its steps, it leaves one container, what the file says, and a true journal', async () => {
    const points = killPoints(await resize(null));
    expect(points.length).toBeGreaterThanOrEqual(4);
    for (const point of points) {
      try {
        await resize(point);
      } catch (cause) {
        throw new Error(`Killed ${point.when} write ${point.write}.`, { cause });
      }
    }
  });
});

function toLines({ poolSize, maxOverflow }: typeof few | typeof many): string[] {
  return [`DATABASE_POOL_SIZE=${poolSize}`, `DATABASE_MAX_OVERFLOW=${maxOverflow}`];
}
