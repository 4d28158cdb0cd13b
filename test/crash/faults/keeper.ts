import { setTimeout as sleep } from 'node:timers/promises';
import { patienceMs } from '../../support/until.ts';
import { startBotProcess } from '../story/bot-process.ts';
import type { BotProcess } from '../story/bot-process.ts';
import type { Job } from '../story/story-bot.ts';

/** Keeps a bot running, as an orchestrator does: when one ends, whatever ended it, the next is started. */
export interface Keeper {
  /** How many bots were started. */
  readonly starts: number;
  /** What bots said that ended without a signal of ours. */
  readonly faults: readonly string[];
  /** What all bots said, the latest last. */
  readonly output: string;
  untilUp(): Promise<void>;
  kill(): Promise<void>;
  /** As SIGTERM ends it, and SIGKILL after an orchestrator's grace. */
  stop(): Promise<void>;
  freeze(forMs: number): Promise<void>;
  /** Freezes it, starts another one meanwhile, and lets both go on for a while before the older one ends. */
  replaceFrozen(forMs: number): Promise<void>;
  close(): Promise<void>;
}

const pauseMs = 200;
const graceMs = 15_000;
/** How a bot may end by itself: it came up while its journal or Slack could not be reached. */
const expectedAtStart = /JournalUnavailable|SlackStartError/;

export function startKeeper(job: Job): Keeper {
  const all: BotProcess[] = [];
  const ours = new Set<BotProcess>();
  const faults: string[] = [];
  let isClosed = false;
  // The next process loads while this one is at work: half of the time is loading.
  let next = startBotProcess();
  const begin = (): BotProcess => {
    const bot = next;
    next = startBotProcess();
    all.push(bot);
    bot.begin(job);
    void bot.ended.then(() => bury(bot));
    return bot;
  };
  const bury = async (bot: BotProcess): Promise<void> => {
    if (isClosed) return;
    const isExpected = bot.port === undefined && expectedAtStart.test(bot.output);
    if (!ours.has(bot) && !isExpected) faults.push(bot.output.slice(-3000));
    if (!ours.has(bot)) await sleep(pauseMs);
    if (!isClosed && all.every((one) => one.hasEnded)) begin();
  };
  const present = (): BotProcess => all.findLast((bot) => !bot.hasEnded) ?? begin();
  const untilUp = async (): Promise<void> => {
    const deadline = performance.now() + patienceMs;
    while (present().port === undefined) {
      if (performance.now() > deadline) throw new Error(`No bot comes up.\n${faults.join('\n')}`);
      await sleep(20);
    }
  };
  const kill = async (bot: BotProcess): Promise<void> => {
    ours.add(bot);
    bot.kill();
    await bot.ended;
  };
  const stop = async (bot: BotProcess): Promise<void> => {
    ours.add(bot);
    bot.stop();
    const tooLong = setTimeout(() => bot.kill(), graceMs);
    await bot.ended;
    clearTimeout(tooLong);
  };
  begin();
  return {
    get starts() {
      return all.length;
    },
    faults,
    get output() {
      return all.map((bot) => bot.output).join('');
    },
    untilUp,
    kill: () => kill(present()),
    stop: () => stop(present()),
    async freeze(forMs) {
      const bot = present();
      bot.freeze();
      await sleep(forMs);
      bot.thaw();
    },
    async replaceFrozen(forMs) {
      const old = present();
      old.freeze();
      begin();
      await Promise.race([untilUp(), sleep(graceMs)]);
      await sleep(forMs);
      old.thaw();
      await sleep(forMs);
      await stop(old);
    },
    async close() {
      isClosed = true;
      for (const bot of [...all, next]) {
        bot.kill();
        await bot.ended;
      }
    },
  };
}
