import type { Logger } from 'pino';
import { createApp } from '../../src/app.ts';

import type { Config } from '../../src/config/config.ts';
import type { SlackConfig } from '../../src/config/slack-settings.ts';
import { systemClock } from '../../src/timing.ts';
import type { Bot, Deps } from '../../src/app/deps.ts';

export interface BotOptions extends Partial<Deps> {
  readonly config: Config;
  readonly slack: SlackConfig;
  readonly log: Logger;
}

/** The bot as main.ts builds it, with what a test hands in instead. */
export function openBot({ config, slack, log, ...deps }: BotOptions): Promise<Bot> {
  const warn = (sentence: string): void => log.warn(sentence);
  return createApp(config, { clock: systemClock, warn, ...deps }).bot(slack, log);
}
