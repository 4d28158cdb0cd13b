import { setTimeout as sleep } from 'node:timers/promises';
import { startCluster } from '../sandbox/patient/cluster.ts';
import type { Cluster } from '../sandbox/patient/cluster.ts';
import type { LocalSlack } from '../sandbox/slack/server.ts';
import { readMemory } from './process-cost.ts';
import { elsewhere, person, startBot } from './start-bot.ts';

interface MemoryResult {
  /** With one target, before anybody asked it anything. */
  readonly atRestMb: number;
  readonly oneTargetMb: number;
  readonly perTargetMb: number;
}

/** Looks before memory is read, the same for few and many targets, and the pause in which the collector catches up. */
const looks = 420;
const settleMs = 3000;
/** Long enough for its first check of every target. */
const restMs = 20_000;

/** The whole bot as a process of its own with one target and with many, after as many `/dbconn status` each. */
export async function benchMemory(many: number): Promise<MemoryResult> {
  const cluster = await startCluster({ settings: { max_connections: many + 20 } });
  try {
    const one = await residentMb(cluster, 1);
    const all = await residentMb(cluster, many);
    return {
      atRestMb: one.atRest,
      oneTargetMb: one.afterLooks,
      perTargetMb: (all.afterLooks - one.afterLooks) / (many - 1),
    };
  } finally {
    await cluster.close();
  }
}

interface Resident {
  readonly atRest: number;
  readonly afterLooks: number;
}

async function residentMb(cluster: Cluster, targets: number): Promise<Resident> {
  const names = Array.from({ length: targets }, (_, index) => `target-${index}`);
  const urls = new Map(names.map((name) => [name, cluster.url()]));
  const bot = await startBot({ urls, rateLimits: false });
  try {
    await sleep(restMs);
    const atRest = (await readMemory(bot.pid)).residentMb;
    for (let look = 0; look < looks; look += 1) {
      await lookAt(bot.slack, names[look % names.length] ?? '');
    }
    await sleep(settleMs);
    return { atRest, afterLooks: (await readMemory(bot.pid)).residentMb };
  } finally {
    await bot.close();
  }
}

async function lookAt(slack: LocalSlack, target: string): Promise<void> {
  const before = slack.state.ephemerals.length;
  await slack.typeCommand({ user: person, channel: elsewhere, text: `/dbconn status ${target}` });
  await slack.waitFor(({ ephemerals }) => ephemerals.length > before || undefined, 30_000);
}
