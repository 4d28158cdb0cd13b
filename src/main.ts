import { createApp } from './app.ts';
import { readBotConfig } from './config/config.ts';
import { ConfigError, readEnvironment } from './config/environment.ts';
import { readConfigFiles, watchFiles } from './config/watch-files.ts';
import { createLog } from './log.ts';
import { JournalUnavailable } from './runbook/approvals/journal.ts';
import { SlackStartError } from './slack/connection/connection.ts';
import { systemClock } from './timing.ts';

/** The bot: reads the configuration, builds the adapters, starts, reads it again when it changes, and drains on SIGTERM. */
async function main(): Promise<void> {
  const { config, slack } = readBotConfig(readEnvironment());
  const log = createLog(config.logLevel);
  const app = createApp(config, { clock: systemClock, warn: (sentence) => log.warn(sentence) });
  const bot = await app.bot(slack, log);
  let stopping = false;
  const reload = (): void => {
    if (stopping) return;
    bot
      .reload(() => readBotConfig(readEnvironment()))
      .catch((error: unknown) => {
        // Half of two configurations is none: a supervisor starts the process with the new one.
        log.fatal({ err: error }, 'The configuration could not be changed while running');
        process.exit(1);
      });
  };
  const stop = async (signal: string): Promise<void> => {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'stopping');
    await bot.stop();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      stop(signal).catch((error: unknown) => {
        log.error({ err: error }, 'stopping failed');
        process.exit(1);
      });
    });
  }
  // A promise nobody listens to is a bug of ours; a supervisor must then start us afresh.
  process.on('unhandledRejection', (error) => {
    log.fatal({ err: error }, 'unhandled rejection');
    process.exit(1);
  });
  process.on('SIGHUP', reload);
  watchFiles(() => readConfigFiles(readEnvironment()), reload);
  await bot.start();
  const { targets, httpPort } = bot;
  log.info({ targets, mode: slack.connection.kind, httpPort }, 'started');
  await bot.warm();
}

try {
  await main();
} catch (error) {
  if (!(error instanceof Error)) throw error;
  const expected =
    error instanceof ConfigError ||
    error instanceof SlackStartError ||
    error instanceof JournalUnavailable;
  process.stderr.write(`${expected ? error.message : error.stack}\n`);
  process.exit(1);
}
