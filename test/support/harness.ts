import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { startPagerDuty } from '../../sandbox/pagerduty/local-pagerduty.ts';
import type { LocalPagerDuty } from '../../sandbox/pagerduty/local-pagerduty.ts';
import type { SlackOptions } from '../../sandbox/slack/options.ts';
import type { LocalSlack } from '../../sandbox/slack/server.ts';
import { openBot } from './open-bot.ts';
import type { BotOptions } from './open-bot.ts';
import { readConfig } from '../../src/config/config.ts';
import type { StoredJournal } from '../../src/journal/stored-journal.ts';

import { openByAddress } from '../journal/open-by-address.ts';
import { aLog, appToken, botToken } from '../slack/support/workspace.ts';
import { database, openSlack } from '../drills/support/conversation.ts';
import { startWire } from './wire.ts';
import type { Wire } from './wire.ts';
import type { Bot } from '../../src/app/deps.ts';

/** What whoever sends alerts has to bring. */
export const webhookToken = 'the-secret-of-whoever-sends-alerts';
export const routingKey = 'R0ROUTINGKEY'.padEnd(32, '7');

interface HarnessOptions {
  /** dbconn.yml without what this file knows better: Slack, the pager, the alerts' secret. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly slack?: Partial<SlackOptions>;
}

/** The bot as main.ts builds it from a dbconn.yml, between a local Slack and a local PagerDuty. */
export interface Harness {
  readonly slack: LocalSlack;
  readonly pagerDuty: LocalPagerDuty;
  /** What went over the wire to Slack. */
  readonly wire: Wire;
  /** What all bots logged. */
  readonly lines: readonly string[];
  /** The dbconn.yml. */
  readonly file: string;
  start(parts?: Partial<BotOptions>): Promise<Bot>;
  /** Reads in the journal beside the bot. */
  inJournal<T>(read: (journal: StoredJournal) => Promise<T>): Promise<T>;
  /** Ends what was started, and leaves nothing behind. */
  close(): Promise<void>;
}

export async function openHarness(options: HarnessOptions): Promise<Harness> {
  const slack = await openSlack(options.slack);
  const pagerDuty = await startPagerDuty({ routingKey });
  const wire = await startWire(slack.apiUrl);
  const folder = await mkdtemp(join(tmpdir(), 'dbconn-whole-'));
  const file = join(folder, 'dbconn.yml');
  const config = {
    slack: { channel: database },
    alerts: { bearer: webhookToken },
    pager: { pagerduty: { routingKey, url: pagerDuty.url } },
    journal: join(folder, 'journal.sqlite'),
    ...options.config,
  };
  await writeFile(file, stringify(config));
  const bots: Bot[] = [];
  const { log, lines } = aLog();
  return {
    slack,
    pagerDuty,
    wire,
    lines,
    file,
    async start(parts = {}) {
      const bot = await openBot({
        config: readConfig({ DBCONN_HTTP_PORT: '127.0.0.1:0' }, file),
        slack: { connection: { kind: 'socket', appToken }, botToken, apiUrl: wire.apiUrl },
        log,
        ...parts,
      });
      bots.push(bot);
      await bot.start();
      await bot.warm();
      return bot;
    },
    async inJournal(read) {
      const journal = await openByAddress(config.journal);
      try {
        return await read(journal);
      } finally {
        await journal.close();
      }
    },
    async close() {
      for (const bot of bots) await bot.stop();
      await Promise.all([slack.close(), pagerDuty.close(), wire.close()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
