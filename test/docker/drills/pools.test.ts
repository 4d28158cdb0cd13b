import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { whyNoEngine } from '../engine.ts';
import { startStack } from '../stack.ts';
import type { Stack } from '../stack.ts';
import { openStackBot } from './stack-bot.ts';
import type { StackBot } from './stack-bot.ts';

const original = [
  '# The shop',
  'DATABASE_POOL_SIZE=5 # per process',
  'DATABASE_MAX_OVERFLOW=10',
  '',
];

/** Option E from trouble to outcome, in Slack, on the engine. */
describe.skipIf(await whyNoEngine())('the pools of a real service', () => {
  let stack: Stack;
  let urls: readonly string[];
  let directory: string;
  let stackBot: StackBot;

  beforeAll(async () => {
    stack = await startStack({
      replicas: 2,
      maxConnections: 30,
      backendEnv: { LARGEST_POOL: '8' },
    });
    // Fixed for the life of the stack; the containers behind them are others after each change.
    urls = await stack.backendUrls();
    directory = mkdtempSync(join(tmpdir(), 'dbconn-project-'));
    writeFileSync(join(directory, '.env'), original.join('\n'));
  });
  beforeEach(async () => {
    stackBot = await openStackBot(stack, { directory, urls });
  });
  afterEach(() => stackBot.close());
  afterAll(async () => {
    await stack.close();
    rmSync(directory, { recursive: true });
  });

  /** Every connection that these pools may open is taken, and never given back. */
  async function exhaust(each: number): Promise<void> {
    for (const url of urls) await fetch(`${url}/leak?n=${each}`, { method: 'POST' });
  }

  async function containers(): Promise<Docker.ContainerInspectInfo[]> {
    const label = [
      `com.docker.compose.project=${stack.project}`,
      'com.docker.compose.service=backend',
    ];
    const listed = await stack.docker.listContainers({ all: true, filters: { label } });
    const found = listed.map(({ Id: id }) => stack.docker.getContainer(id).inspect());
    return (await Promise.all(found)).toSorted((a, b) => a.Name.localeCompare(b.Name));
  }

  /** Both replicas run, are healthy, and have these numbers; so has the file they would be started from. */
  async function expectPools(size: number, overflow: number): Promise<void> {
    const lines = [`DATABASE_POOL_SIZE=${size}`, `DATABASE_MAX_OVERFLOW=${overflow}`];
    const found = await containers();
    expect(found.map(({ Name: name }) => name)).toEqual(
      [1, 2].map((number) => `/${stack.project}-backend-${number}`),
    );
    for (const { Config: config, State: state } of found) {
      expect(state.Health?.Status).toBe('healthy');
      expect(config.Env).toEqual(expect.arrayContaining(lines));
    }
    const text = readFileSync(join(directory, '.env'), 'utf8');
    expect(text).toBe(['# The shop', `${lines[0]} # per process`, lines[1], ''].join('\n'));
    expect(readdirSync(directory)).toEqual(['.env']);
  }

  test('that may take more than the server has are made smaller by option E', async () => {
    await exhaust(12);
    const { card, thread } = await stackBot.change('E backend 4 2');
    expect(card.text).toMatch(/^Fixed, /);
    expect(thread).toContain('Its containers and its pool metrics show 4 + 2.');
    await expectPools(4, 2);
  });

  test('that are too small for their customers are made larger', async () => {
    await exhaust(6);
    const { card, thread } = await stackBot.change('E backend 6 4');
    expect(card.text).toMatch(/^(?:Fixed|Partly fixed), /);
    expect(thread).toContain('Its containers and its pool metrics show 6 + 4.');
    await expectPools(6, 4);
    // All that they may open now is really to be had.
    await exhaust(10);
  });

  test('stay what they were where the service does not start with the new numbers, and the card says so', async () => {
    const before = await containers();
    const { card, text } = await stackBot.change('E backend 9 1');
    expect(card.text).not.toMatch(/^Fixed, /);
    expect(text).toContain('The new numbers did not work, and were taken back');
    expect(text).toContain('cannot start: the pool is too large');
    expect((await containers()).map(({ Id: id }) => id)).toEqual(before.map(({ Id: id }) => id));
    await expectPools(6, 4);
  });
});
