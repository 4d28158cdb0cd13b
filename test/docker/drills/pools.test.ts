import {
  chmodSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
} from 'vitest';
import { whyNoEngine } from '../engine.ts';
import { backendsOf, startStack } from '../stack.ts';
import type { Stack } from '../stack.ts';
import { openStackBot } from './stack-bot.ts';
import type { StackBot } from './stack-bot.ts';

/** As an operator wrote it, on Windows and with secrets beside. */
function envText(size: number, overflow: number): string {
  return [
    '# The shop',
    'export POSTGRES_PASSWORD="stack-secret"  # do not tell',
    `DATABASE_POOL_SIZE=${size} # per process`,
    `DATABASE_MAX_OVERFLOW=${overflow}`,
    '',
  ].join('\r\n');
}

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
    writeFileSync(join(directory, '.env'), envText(5, 10));
    chmodSync(join(directory, '.env'), 0o640);
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

  /** Both replicas run, are healthy, and have these numbers; so has the file they would be started from. */
  async function expectPools(size: number, overflow: number): Promise<void> {
    const lines = [`DATABASE_POOL_SIZE=${size}`, `DATABASE_MAX_OVERFLOW=${overflow}`];
    const found = await backendsOf(stack);
    expect(found.map(({ Name: name }) => name)).toEqual(
      [1, 2].map((number) => `/${stack.project}-backend-${number}`),
    );
    for (const { Config: config, State: state } of found) {
      expect(state.Health?.Status).toBe('healthy');
      expect(config.Env).toEqual(expect.arrayContaining(lines));
    }
    const file = join(directory, '.env');
    expect(readFileSync(file, 'utf8')).toBe(envText(size, overflow));
    expect(statSync(file).mode & 0o777).toBe(0o640);
    expect(readdirSync(directory)).toEqual(['.env']);
  }

  test('that may take more than the server has are made smaller by option E', async () => {
    const before = await backendsOf(stack);
    await exhaust(12);
    const { card, text } = await stackBot.change('E backend 4 2');
    expect(card.text).toMatch(/^Fixed, /);
    expect(text).toContain('Of 2 containers: 2 recreated.');
    expect(text).toContain('Its containers and its pool metrics show 4 + 2.');
    await expectPools(4, 2);
    for (const [index, one] of (await backendsOf(stack)).entries()) {
      const old = before[index];
      expect(one.Id).not.toBe(old?.Id);
      const same = { Hostname: '', Env: [] };
      expect({ ...one.Config, ...same }).toEqual({ ...old?.Config, ...same });
      expect(one.HostConfig).toEqual(old?.HostConfig);
      expect(Object.keys(one.NetworkSettings.Networks)).toEqual([`${stack.project}_default`]);
    }
  });

  test('that are too small for their customers are made larger, and again what they were by the undo', async () => {
    await exhaust(6);
    const ended = await stackBot.change('E backend 6 4');
    expect(ended.card.text).toMatch(/^(?:Fixed|Partly fixed), /);
    expect(ended.text).toContain('Its containers and its pool metrics show 6 + 4.');
    await expectPools(6, 4);
    // All that they may open now is really to be had.
    await exhaust(10);
    expect((await stackBot.undo(ended)).text).toContain('pool metrics show 4 + 2.');
    await expectPools(4, 2);
  });

  test('stay what they were where the service does not start with the new numbers, and the card says so', async () => {
    const before = await backendsOf(stack);
    const [first, second] = before.map(({ Name: name }) => name.slice(1));
    const { card, text } = await stackBot.change('E backend 9 1');
    expect(card.text).not.toMatch(/^Fixed, /);
    expect(text).toContain('The new numbers did not work');
    expect(text).toContain('.env: put back.');
    expect(text).toContain(`${first}: put back.`);
    expect(text).toContain('The old container runs again.');
    expect(text).toContain('cannot start: the pool is too large for postgresql+psycopg2://…');
    expect(text).toContain(`${second}: not reached.`);
    expect((await backendsOf(stack)).map(({ Id: id }) => id)).toEqual(
      before.map(({ Id: id }) => id),
    );
    await expectPools(4, 2);
  });
});

test.skipIf(await whyNoEngine())(
  'a variable that the application does not take its pool from is put back, by what the pool’s metrics show',
  async () => {
    const stack = await startStack({
      replicas: 2,
      maxConnections: 60,
      backendEnv: { WEB_CONNECTIONS: '5' },
    });
    onTestFinished(() => stack.close());
    const directory = mkdtempSync(join(tmpdir(), 'dbconn-project-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const text = `${envText(5, 10)}WEB_CONNECTIONS=5\r\n`;
    writeFileSync(join(directory, '.env'), text);
    const variables = { size: 'WEB_CONNECTIONS' };
    const stackBot = await openStackBot(stack, {
      directory,
      urls: await stack.backendUrls(),
      service: { variables, maxOverflow: 10 },
    });
    const { card, text: said } = await stackBot.change('E backend 4');
    await stackBot.close();
    expect(card.text).not.toMatch(/^Fixed, /);
    expect(said).toContain('Of 2 containers: 2 put back. Its pool metrics still show 5: ');
    expect(said).toContain('the containers have 5 + 10 as before.');
    for (const { Config: config, State: state } of await backendsOf(stack)) {
      expect(state.Health?.Status).toBe('healthy');
      expect(config.Env).toContain('WEB_CONNECTIONS=5');
    }
    expect(readFileSync(join(directory, '.env'), 'utf8')).toBe(text);
    expect(readdirSync(directory)).toEqual(['.env']);
  },
);
