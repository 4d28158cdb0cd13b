import { startBotProcess } from './bot-process.ts';
import type { BotProcess } from './bot-process.ts';
import { isSame, nameOf } from './point.ts';
import type { Point } from './point.ts';
import type { Job } from './story-bot.ts';

/** The bots of one story, one after the other: whenever one is killed, the next goes on. */
export interface SuccessiveBots {
  /** Where alerts are taken now; undefined between two bots. */
  readonly port: number | undefined;
  /** How many bots were killed until now. */
  readonly deaths: number;
  /** What all bots did that lasts, in order. */
  readonly did: readonly string[];
  /** Points that no bot came to. */
  readonly left: readonly string[];
  /** Throws where a bot ended otherwise than by its point. */
  check(): void;
  /** Kills the present bot, and starts none until `goOn`. */
  kill(): Promise<void>;
  goOn(): void;
  /** Ends the present bot as SIGTERM does. */
  stop(): Promise<void>;
  /** At the end of a test, whatever became of it. */
  close(): Promise<void>;
}

type BotJob = Omit<Job, 'points' | 'done'>;

export function startBots(job: BotJob, points: readonly Point[]): SuccessiveBots {
  const ended: BotProcess[] = [];
  let left = points;
  let state: 'working' | 'down' | 'stopping' = 'working';
  let fault: string | undefined;
  // The next process loads while this one is at work: half of the time is loading.
  let next = startBotProcess();
  const take = (): BotProcess => {
    const taken = next;
    next = startBotProcess();
    const did = ended.flatMap((bot) => bot.did);
    const done = Object.fromEntries(did.map((label) => [label, 0]));
    for (const label of did) done[label] = (done[label] ?? 0) + 1;
    taken.begin({ ...job, points: [...left], done });
    void taken.ended.then(() => bury(taken));
    return taken;
  };
  const bury = (bot: BotProcess): void => {
    ended.push(bot);
    const { diedAt } = bot;
    if (diedAt !== undefined) left = left.filter((point) => !isSame(point, diedAt));
    else if (state === 'working') fault ??= `A bot ended by itself: ${bot.output.slice(-4000)}`;
    if (state === 'working' && fault === undefined) present = take();
  };
  let present = take();
  const kill = async (): Promise<void> => {
    state = 'down';
    present.kill();
    await present.ended;
  };
  return {
    get port() {
      return present.hasEnded ? undefined : present.port;
    },
    get deaths() {
      return ended.length;
    },
    get did() {
      return [...ended, ...(ended.includes(present) ? [] : [present])].flatMap((bot) => bot.did);
    },
    get left() {
      return left.map(nameOf);
    },
    check() {
      if (fault !== undefined) throw new Error(fault);
    },
    kill,
    goOn() {
      state = 'working';
      present = take();
    },
    async stop() {
      state = 'stopping';
      present.stop();
      await present.ended;
    },
    async close() {
      await kill();
      next.kill();
      await next.ended;
    },
  };
}
