import { systemClock } from './clock.ts';
import { ConfigError, readBotConfig, readEnvironment } from './config.ts';
import { createLog } from './log.ts';
import { createPatients } from './patients.ts';
import { createRunbook } from './runbook/runbook.ts';
import { createSlackApp } from './slack/app.ts';
import { SlackStartError } from './slack/start-error.ts';

/** The bot: reads the configuration, builds the adapters, starts, and drains on SIGTERM. */
async function main(): Promise<void> {
  const { config, slack } = readBotConfig(readEnvironment());
  const log = createLog(config.logLevel);
  const runbook = createRunbook(createPatients(config, systemClock), systemClock);
  const app = createSlackApp({
    ...slack,
    ...(config.channel !== undefined && { channel: config.channel }),
    runbook,
    log,
  });
  let stopping = false;
  const stop = async (signal: string): Promise<void> => {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'stopping');
    await app.stop();
    await runbook.close();
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
  await app.start();
  const targets = runbook.targets.map(({ name }) => name);
  log.info({ targets, mode: slack.connection.kind }, 'started');
  // The first look opens the warm connection, so that there is one when the slots are gone.
  await Promise.all(targets.map((target) => runbook.diagnose(target)));
}

try {
  await main();
} catch (error) {
  if (!(error instanceof Error)) throw error;
  const expected = error instanceof ConfigError || error instanceof SlackStartError;
  process.stderr.write(`${expected ? error.message : error.stack}\n`);
  process.exit(1);
}
