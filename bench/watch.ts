import { setTimeout as sleep } from 'node:timers/promises';
import { startBot } from './start-bot.ts';
import { measureWatch } from './watch-cost.ts';
import { startLoadedServers } from './loaded-servers.ts';

interface WatchResult {
  readonly targets: number;
  /** A bound of the bot's own histogram that 95 of 100 looks kept to. */
  readonly p95Seconds: number;
  /** Of one core. */
  readonly cpuShare: number;
  readonly residentMb: number;
}

const everyMs = 15_000;
/** The first look at each opens its connection, and comes within the first interval. */
const firstLooksMs = everyMs + 5000;

/** The whole bot with many targets on four servers, watched every 15 s; measured after the first look at each. */
export async function benchWatch(targets: number, forMs: number): Promise<WatchResult> {
  const servers = await startLoadedServers([15, 15, 18, 18]);
  try {
    const urls = new Map(
      Array.from({ length: targets }, (_, index) => {
        const cluster = servers.clusters[index % servers.clusters.length];
        return [`target-${index}`, cluster?.url() ?? ''];
      }),
    );
    const bot = await startBot({ urls });
    try {
      await sleep(firstLooksMs);
      const cost = await measureWatch(bot, forMs);
      const { cpuShare, residentMb } = cost;
      const p95Seconds = cost.boundOf(0.95 * cost.looks());
      return { targets, p95Seconds, cpuShare, residentMb };
    } finally {
      await bot.close();
    }
  } finally {
    await servers.close();
  }
}
