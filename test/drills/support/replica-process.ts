import { systemClock } from '../../../src/clock.ts';
import { openBot } from '../../../src/bot.ts';
import { readBotConfig, readEnvironment } from '../../../src/config.ts';
import { createLog } from '../../../src/log.ts';

/** main.ts as a process of its own, but with the lease it is told (ms), and saying where it listens: `listening on 8080`. */
const leaseMs = Number(process.argv[2]);
const { config, slack } = readBotConfig(readEnvironment());
const log = createLog('info');
const bot = await openBot({ config, slack, clock: systemClock, log, leaseMs });
process.once('SIGTERM', () => {
  bot.stop().then(
    () => process.exit(0),
    (error: unknown) => {
      process.stderr.write(String(error));
      process.exit(1);
    },
  );
});
await bot.start();
process.stdout.write(`listening on ${bot.httpPort}\n`);
