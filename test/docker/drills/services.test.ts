import type Docker from 'dockerode';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { asAdmin } from '../../../sandbox/patient/schema.ts';
import { whyNoEngine } from '../engine.ts';
import { eventually } from '../eventually.ts';
import { createStackMonitor } from '../stack-monitor.ts';
import { run, startStack } from '../stack.ts';
import type { Stack } from '../stack.ts';
import { openStackBot } from './stack-bot.ts';
import type { StackBot } from './stack-bot.ts';

/** Option C from trouble to outcome, in Slack, on the engine. */
describe.skipIf(await whyNoEngine())('a service of two real containers', () => {
  let stack: Stack;
  let stackBot: StackBot;

  beforeEach(async () => {
    stack = await startStack({ replicas: 2, maxConnections: 30 });
    stackBot = await openStackBot(stack);
    // 24 of 27 slots, and no transaction of them ever ends.
    for (const url of await stack.backendUrls())
      await fetch(`${url}/leak?n=12`, { method: 'POST' });
  });
  afterEach(async () => {
    try {
      await stackBot.close();
    } finally {
      await stack.close();
    }
  });

  const nameOf = (number: number): string => `${stack.project}-backend-${number}`;

  function see(number: number): Promise<Docker.ContainerInspectInfo> {
    return stack.docker.getContainer(nameOf(number)).inspect();
  }

  const startTimes = async (): Promise<string[]> => {
    const both = await Promise.all([see(1), see(2)]);
    return both.map(({ State: state }) => state.StartedAt);
  };

  test('that leaks is restarted by option C, one container after the other, and its slots are free', async () => {
    const { card, text } = await stackBot.change('C backend');
    expect(card.text).toMatch(/^Fixed, /);
    expect(text).toContain('Of 2 replicas: 2 restarted. Its connections: 24 before, 0 after.');
    const [first, second] = await startTimes();
    expect(Date.parse(second ?? '')).toBeGreaterThan(Date.parse(first ?? ''));
    for (const number of [1, 2]) expect((await see(number)).State.Health?.Status).toBe('healthy');
  });

  test('with one container that hangs is restarted all the same, and only that one is killed', async () => {
    await stack.docker.getContainer(nameOf(1)).kill({ signal: 'SIGSTOP' });
    const { card, text, steps } = await stackBot.change('C backend');
    expect(card.text).toMatch(/^Fixed, /);
    expect(text).toContain('Of 2 replicas: 2 restarted.');
    const killed = steps.split('\n').filter((step) => step.includes('was killed'));
    expect(killed).toEqual([expect.stringContaining(`${nameOf(1)}: restarted.`)]);
    for (const number of [1, 2]) expect((await see(number)).State.Health?.Status).toBe('healthy');
  });

  test('that is scaled up while it restarts keeps its new container as it is, and the card names it', async () => {
    const card = await stackBot.propose('C backend');
    const before = await startTimes();
    await stackBot.approve(card);
    await eventually(startTimes, ([first]) => first !== before[0]);
    await run(stack.docker, stack.project, {
      service: 'backend',
      number: 3,
      spec: { Image: 'dbconn-test/backend', Cmd: ['sleep', '300'] },
    });
    const startedAt = (await see(3)).State.StartedAt;
    const { text } = await stackBot.end(card);
    expect(text).toContain('Of 2 replicas: 2 restarted. 1 new replica not restarted.');
    expect(text).toContain(`${nameOf(3)}: not reached. It came after the plan was made`);
    expect((await see(3)).State.StartedAt).toBe(startedAt);
  });

  test('that is scaled down to one while it restarts keeps that one running', async () => {
    const card = await stackBot.propose('C backend');
    const before = await startTimes();
    await stackBot.approve(card);
    await eventually(startTimes, ([first]) => first !== before[0]);
    await stack.docker.getContainer(nameOf(1)).remove({ force: true });
    const { text } = await stackBot.end(card);
    expect(text).not.toContain('2 restarted');
    expect((await see(2)).State.StartedAt).toBe(before[1]);
  });

  test('that cannot start again is left after the first container, with its last words and no password', async () => {
    const [url = ''] = await stack.backendUrls();
    await fetch(`${url}/crash-on-next-start`, { method: 'POST' });
    const [, before] = await startTimes();
    const { card, text } = await stackBot.change('C backend');
    expect(card.text).not.toMatch(/^Fixed, /);
    expect(text).toContain(`${nameOf(1)}: crash loop.`);
    expect(text).toContain('cannot start: password=');
    expect(text).toContain(`${nameOf(2)}: not reached.`);
    expect((await startTimes())[1]).toBe(before);
    const monitor = createStackMonitor(stack);
    await eventually(
      () => monitor.diagnose(),
      ({ findings }) => findings.some(({ id }) => id === 'replica-crash-looping'),
    );
    await monitor.close();
  });

  test('whose query outlives its process says so, and offers to end it', async () => {
    const [url = ''] = await stack.backendUrls();
    // Its answer is lost with the process that asked.
    void fetch(`${url}/query?ms=120000`).catch(() => undefined);
    const orphans = (): Promise<number[]> =>
      asAdmin(stack.adminUrl, async (admin) => {
        const { rows } = await admin.query<{ pid: number }>(
          `SELECT pid FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep%'
            AND pid <> pg_backend_pid()`,
        );
        return rows.map(({ pid }) => pid);
      });
    const [pid = 0] = await eventually(orphans, (pids) => pids.length === 1);
    const { card, text } = await stackBot.change('C backend');
    expect(text).toMatch(new RegExp(`pid ${pid}: still there\\. Its query .*\\bgone\\.`));
    expect(JSON.stringify(card.blocks)).toContain(`End pid ${pid}…`);
    expect(await orphans()).toEqual([pid]);
  });
});
