import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../config/config.ts';
import { ConfigError } from '../config/environment.ts';
import { toPolicy } from '../config/to-rules.ts';
import { createMeter } from '../http/metrics.ts';
import { list } from '../runbook/snapshot/words.ts';
import { removedOf } from './approvals.ts';
import { openBot } from './bot.ts';
import type { BotParts, ConfiguredBot } from './bot.ts';
import type { App, Bot, BotConfig, ConfigState } from './deps.ts';
import { closeReplaced } from './target-adapters.ts';

type Opening = Pick<BotParts, 'app' | 'slack' | 'log'>;

/** The bot with one configuration, and what it was built from. */
interface Generation {
  readonly app: App;
  readonly bot: ConfiguredBot;
}

interface Held {
  now: Generation;
  /** The configuration as it was read last, of what is in force. */
  latest: BotConfig;
  /** What earlier generations began, which goes on beside. */
  readonly endings: Set<Promise<void>>;
}

/**
 * The bot, whose configuration may be replaced while it runs. It is built again on the same journal and connections, as a
 * second process beside the first one would be: so all that holds for two processes holds here.
 */
export async function openReloadable({ app, slack, log }: Opening): Promise<Bot> {
  const configState: ConfigState = { refused: null, restart: null };
  const lasting = { slack, log, meter: createMeter(), configState };
  const first = { app, bot: await openBot({ ...lasting, app }) };
  return toBot(lasting, { now: first, latest: { config: app.config, slack }, endings: new Set() });
}

function toBot(lasting: Lasting, held: Held): Bot {
  let turn = Promise.resolve();
  return {
    get approvals() {
      return held.now.bot.approvals;
    },
    get cards() {
      return held.now.bot.cards;
    },
    get incidents() {
      return held.now.bot.incidents;
    },
    get board() {
      return held.now.bot.board;
    },
    get slack() {
      return held.now.bot.slack;
    },
    get targets() {
      return held.now.bot.targets;
    },
    get httpPort() {
      return held.now.bot.httpPort;
    },
    start: () => (turn = held.now.bot.start()),
    warm: () => held.now.bot.warm(),
    reload(read) {
      const work = (): Promise<void> => replace(lasting, held, read);
      // One after the other, whatever came of the one before.
      return (turn = turn.then(work, work));
    },
    async stop() {
      await turn.catch(() => undefined);
      await held.now.bot.stop();
      await Promise.all(held.endings);
      await held.now.app.close();
    },
  };
}

async function replace(lasting: Lasting, held: Held, read: () => BotConfig): Promise<void> {
  const before = held.now;
  const next = await attempt(lasting, async () => build(lasting, held, read()));
  if (next === undefined) return;
  await before.bot.handOver();
  held.now = next;
  await next.bot.start();
  lasting.log.info('The configuration was read again and is taken');
  const ending = finish(before, next)
    .catch((err: unknown) => lasting.log.error({ err }, leftSentence))
    .finally(() => held.endings.delete(ending));
  held.endings.add(ending);
  await settleIn(lasting, before, next);
}

/** Undefined where the configuration is the same. */
async function build(
  lasting: Lasting,
  held: Held,
  given: BotConfig,
): Promise<Generation | undefined> {
  const { app, bot } = held.now;
  const { configState, slack } = lasting;
  const { config, restart } = withoutFixed({ config: app.config, slack }, given);
  configState.restart = restart;
  if (isSame(held.latest, given)) return undefined;
  const successor = await app.withConfig({ ...config, ...samePort(config, bot) });
  const built = await openBot({ ...lasting, app: successor, wasIn: true });
  held.latest = given;
  return { app: successor, bot: built };
}

type Lasting = Omit<BotParts, 'app'>;

/** What `work` makes; undefined where the configuration is refused, which is said once, or where nothing is to be done. */
async function attempt<T>(
  { configState, log, meter }: Lasting,
  work: () => Promise<T | undefined>,
): Promise<T | undefined> {
  try {
    const made = await work();
    Object.assign(configState, { refused: null });
    meter.configRead(true);
    if (made === undefined) log.info('The configuration was read again and is the same');
    if (configState.restart !== null) log.warn(configState.restart);
    return made;
  } catch (error) {
    const problems = error instanceof ConfigError ? error.problems : undefined;
    const what = problems === undefined ? { err: error } : { problems };
    log.error(what, refusedSentence);
    Object.assign(configState, { refused: refusedSentence });
    meter.configRead(false);
    return undefined;
  }
}

const refusedSentence =
  'The changed configuration is refused, and the one before it stays in force.';

/** The configuration with what a process keeps for its life, and the sentence about what therefore waits. */
function withoutFixed(
  { config: now, slack }: BotConfig,
  { config, slack: nextSlack }: BotConfig,
): Pick<ConfigState, 'restart'> & { readonly config: Config } {
  const { channel, ...next } = config;
  // DATABASE_URL alone would be another configuration, without approvers: nobody wrote that.
  if (now.file !== undefined && config.file === undefined) {
    throw new ConfigError([`There is no file ${now.file} any more.`]);
  }
  const { breakGlass } = next.approval;
  if (now.channel === undefined && breakGlass.users.length + breakGlass.terminal.length > 0) {
    const why = 'approval.breakGlass needs slack.channel, and that needs a restart.';
    throw new ConfigError([why]);
  }
  const changed = [
    ...(channel === now.channel ? [] : ['slack.channel']),
    ...(next.journal === now.journal ? [] : ['journal']),
    ...(isDeepStrictEqual(nextSlack, slack) ? [] : ["Slack's tokens"]),
  ];
  const { journal, journalSetting } = now;
  return {
    config: {
      ...next,
      journal,
      journalSetting,
      ...(now.channel !== undefined && { channel: now.channel }),
    },
    restart:
      changed.length === 0 ? null : `A restart is needed for what changed: ${list(changed)}.`,
  };
}

/** Where any free port was asked for, it stays the one that was found. */
function samePort({ http }: Config, { httpPort }: Pick<Bot, 'httpPort'>): Pick<Config, 'http'> {
  return http === undefined || httpPort === undefined ? {} : { http: { ...http, port: httpPort } };
}

/** `approval.stopped` is read at each decision, so it is no reason to build anything again. */
function isSame(one: BotConfig, other: BotConfig): boolean {
  const bare = ({ config, slack }: BotConfig): unknown => [
    { ...config, approval: { ...config.approval, stopped: false } },
    slack,
  ];
  return isDeepStrictEqual(bare(one), bare(other));
}

/** Such as a journal that is away: what is left is taken over when its lease has run out. */
const leftSentence = 'What the configuration before began could not all be brought to its end';

/** Ends what the earlier one began, and then closes the connections that only it had. */
async function finish(before: Generation, after: Generation): Promise<void> {
  try {
    await before.bot.finish();
  } finally {
    await closeReplaced(await before.app.targets(), await after.app.targets());
  }
}

/** Says and ends what a change of the configuration brings with it. */
async function settleIn(
  { log, meter }: Lasting,
  before: Generation,
  { app: { before: earlier, config }, bot }: Generation,
): Promise<void> {
  try {
    for (const target of earlier === undefined ? [] : removedOf(earlier, config)) {
      meter.forgetTarget(target);
      const ended = await bot.incidents.retire(target);
      if (!ended.ok) log.error({ target, problem: ended.refusal.next }, 'An incident stays open');
    }
    await tellRules(log, before, { config, bot });
    await bot.warm();
  } catch (err) {
    log.error({ err }, 'Something about the changed configuration could not be said');
  }
}

/** A change of who may decide is for all to see: it may be an intruder's. */
async function tellRules(
  log: Lasting['log'],
  { app: { config: before } }: Generation,
  { config, bot }: Pick<Generation, 'bot'> & { readonly config: Config },
): Promise<void> {
  if (isDeepStrictEqual(toPolicy(before.approval), toPolicy(config.approval))) return;
  const headline =
    'The approval rules in dbconn.yml changed. Open requests keep the rules they were proposed under.';
  log.warn(headline);
  if (config.channel === undefined) return;
  const to = config.channel;
  await bot.announcements.announce({ to, mention: null, headline, quote: null });
}
