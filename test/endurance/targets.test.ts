import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { startBot } from '../../bench/start-bot.ts';
import type { RunningBot } from '../../bench/start-bot.ts';
import { measureWatch } from '../../bench/watch-cost.ts';
import type { WatchCost } from '../../bench/watch-cost.ts';
import { startLoadedServers } from '../../bench/loaded-servers.ts';
import type { LoadedServers } from '../../bench/loaded-servers.ts';
import { startCluster } from '../../sandbox/patient/cluster.ts';
import type { Cluster } from '../../sandbox/patient/cluster.ts';
import { SlowRoad } from './slow-road.ts';

const everyMs = 15_000;
/** Each of the two measured phases; five minutes by hand: DBCONN_PHASE_SECONDS=300. */
const phaseMs = Number(process.env['DBCONN_PHASE_SECONDS'] ?? 30) * 1000;
const patienceMs = 2 * phaseMs + 600_000;
/** Sixty incidents are told at Slack's one message a second. */
const settleMs = 180_000;
/** One way, and a look is twice there and back: late, and still in time for the warm connection. */
const slowMs = 300;
/** Targets that stay well, on four servers, and those of each kind that will not. */
const [well, inTrouble] = [110, 30];

let servers: LoadedServers | undefined;
let frozen: Cluster | undefined;
let dead: Cluster | undefined;
let slow: SlowRoad | undefined;
let bot: RunningBot | undefined;

afterEach(async () => {
  await frozen?.thaw();
  slow?.close();
  await bot?.close();
  await Promise.all([frozen?.close(), dead?.close(), servers?.close()]);
});

async function admit(): Promise<ReadonlyMap<string, string>> {
  servers = await startLoadedServers([15, 15, 18, 18]);
  // Its queue of logins is twice that long: one that is full looks like a machine that is not there.
  frozen = await startCluster({ settings: { max_connections: 1000 } });
  dead = await startCluster();
  slow = await SlowRoad.to(servers.clusters[3]?.port ?? 0);
  const urls = new Map<string, string>();
  for (let index = 0; index < well; index += 1) {
    urls.set(`well-${index}`, servers.clusters[index % 4]?.url() ?? '');
  }
  for (let index = 0; index < inTrouble; index += 1) {
    urls.set(`frozen-${index}`, frozen.url());
    urls.set(`dead-${index}`, dead.url());
    urls.set(`slow-${index}`, `postgres://postgres@127.0.0.1:${slow.port}/postgres`);
  }
  return urls;
}

function tell(phase: string, cost: WatchCost): void {
  const calls = [...cost.slackCalls].map(([method, count]) => `${method} ${count}`);
  const figures = [
    `${cost.looks()} looks`,
    `${cost.looks({ kind: 'well' })} at those that are well`,
    `within 50, 250, 1000 ms: ${[0.05, 0.25, 1].map((bound) => cost.looksWithin(bound)).join(', ')}`,
    `latest look at most ${cost.oldestLookSeconds('well').toFixed(1)} s ago`,
    `CPU ${(cost.cpuShare * 100).toFixed(1)} % of one core`,
    `${cost.residentMb.toFixed(0)} MB resident, ${cost.proportionalMb.toFixed(0)} MB its own share`,
    `${cost.incidentsOpen} incidents`,
    `Slack: ${calls.join(', ')}; refused ${cost.slackRefused}`,
  ];
  process.stdout.write(`${phase}: ${figures.join(', ')}\n`);
}

/** How many incidents have their message in the channel. */
function shown(): number {
  const messages = bot?.slack.state.channels.flatMap((channel) => channel.messages) ?? [];
  return messages.filter(({ thread_ts: thread, ts }) => thread === undefined || thread === ts)
    .length;
}

async function readIncidentsOpen(running: RunningBot): Promise<number> {
  const samples = await running.readMetrics();
  const open = samples.filter(({ name }) => name === 'dbconn_incidents_open');
  return open.reduce((sum, { value }) => sum + value, 0);
}

async function untilAtLeast(count: number, of: () => Promise<number>): Promise<void> {
  const deadline = performance.now() + settleMs;
  while ((await of()) < count) {
    if (performance.now() > deadline)
      throw new Error(`There never were ${count} incidents: ${await of()}.`);
    await sleep(1000);
  }
}

function expectUndisturbed(cost: WatchCost, quickInTrouble: number): void {
  const looks = cost.looks({ kind: 'well' });
  expect(cost.looks({ kind: 'well', via: 'warm' })).toBe(looks);
  expect(looks).toBeGreaterThan((well * phaseMs * 0.85) / everyMs);
  expect(cost.oldestLookSeconds('well')).toBeLessThan((1.5 * everyMs) / 1000); // with a tenth of jitter
  // Those that are slow or frozen take more than a second each, so that they are none of these.
  expect(cost.looksWithin(1)).toBeGreaterThanOrEqual(quickInTrouble + 0.95 * looks);
  expect(cost.cpuShare).toBeLessThan(0.2);
  expect(cost.residentMb).toBeLessThan(250);
}

test(
  '200 targets every 15 s cost the bot a fifth of a core at most, and 90 that are dead, frozen or slow delay no other and flood nobody',
  { timeout: patienceMs },
  async () => {
    const urls = await admit();
    const running = await startBot({
      urls,
      incidents: { every: `${everyMs}ms`, openAfter: '10s' },
    });
    bot = running;
    await sleep(everyMs + 5000); // the first look at each opens its connection
    const calm = await measureWatch(running, phaseMs);
    tell('all well', calm);
    expectUndisturbed(calm, calm.looks() - calm.looks({ kind: 'well' }));
    expect(calm.looks({ via: 'warm' })).toBe(calm.looks());
    expect([calm.incidentsOpen, calm.slackCalls.size, shown()]).toEqual([0, 0, 0]);

    await frozen?.freeze('all');
    await dead?.stop('immediate');
    slow?.delayBy(slowMs);
    await untilAtLeast(2 * inTrouble, () => readIncidentsOpen(running));
    const trouble = await measureWatch(running, phaseMs);
    tell('90 of 200 in trouble', trouble);
    expectUndisturbed(trouble, trouble.looks({ kind: 'dead' }));
    for (const kind of ['frozen', 'dead']) {
      expect(trouble.looks({ kind, via: 'none' })).toBe(trouble.looks({ kind }));
    }
    expect(trouble.looks({ kind: 'slow', via: 'warm' })).toBeGreaterThan(inTrouble);
    // Slack takes one message a second in a channel and fifty changes a minute, whatever there is to say.
    const minutes = phaseMs / 60_000;
    const calls = (method: string): number => trouble.slackCalls.get(method) ?? 0;
    expect(calls('chat.postMessage')).toBeLessThanOrEqual(60 * minutes + 5);
    expect(calls('chat.update')).toBeLessThanOrEqual(50 * minutes + 5);
    expect(trouble.slackRefused).toBeLessThan(20 * minutes);
    await untilAtLeast(2 * inTrouble, () => Promise.resolve(shown()));
    // On a machine that is busy with something else the slow ones may be too late after all.
    expect(shown()).toBeLessThanOrEqual(3 * inTrouble);
  },
);
