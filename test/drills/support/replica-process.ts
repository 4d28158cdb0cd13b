import { openBot } from '../../support/open-bot.ts';
import { readEnvironment } from '../../../src/config/environment.ts';
import { readBotConfig } from '../../../src/config/config.ts';
import { createLog } from '../../../src/log.ts';

/**
 * main.ts as a process of its own, but with the lease and the pace in Slack it is told (ms), and saying where it
 * listens: `listening on 8080`. On SIGUSR2 it says what memory it has, after a collection where it can collect.
 */
const [leaseMs, sendIntervalMs] = process.argv.slice(2).map(Number);
const { config, slack } = readBotConfig(readEnvironment());
const log = createLog('info');
const bot = await openBot({
  config,
  slack,
  log,
  ...(leaseMs !== undefined && { leaseMs }),
  ...(sendIntervalMs !== undefined && { sendIntervalMs }),
});
process.once('SIGTERM', () => {
  bot.stop().then(
    () => process.exit(0),
    (error: unknown) => {
      process.stderr.write(String(error));
      process.exit(1);
    },
  );
});
process.on('SIGUSR2', () => {
  globalThis.gc?.();
  process.stdout.write(`memory ${JSON.stringify(process.memoryUsage())}\n`);
});
await bot.start();
process.stdout.write(`listening on ${bot.httpPort}\n`);
