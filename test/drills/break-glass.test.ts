import { afterEach, expect, test } from 'vitest';
import { openBot } from '../support/open-bot.ts';

import { readConfig } from '../../src/config/config.ts';
import { identity } from '../../sandbox/slack/identity.ts';
import { toText } from '../../sandbox/message-text.ts';
import type { LocalSlack } from '../../sandbox/slack/server.ts';
import { makeJournalFolder } from '../journal/temporary-journal.ts';
import type { JournalFolder } from '../journal/temporary-journal.ts';
import { ann, buildRequest } from '../runbook/approvals/builders.ts';
import { aLog, ana, appToken, botToken, database, openSlack } from '../slack/support/workspace.ts';
import { patienceMs } from '../support/until.ts';
import type { Bot } from '../../src/app/deps.ts';

let folder: JournalFolder | undefined;
let slack: LocalSlack | undefined;
let bot: Bot | undefined;
afterEach(async () => {
  await bot?.stop();
  await slack?.close();
  folder?.close();
});

/** A database that is not there: nothing of this is about it. */
const url = 'postgres://dbconn@127.0.0.1:9/shop';

test('what was run at the terminal without votes is told in the channel by the bot', async () => {
  folder = makeJournalFolder();
  const journal = await folder.open();
  const brokenGlass = {
    by: { id: 'jonas', via: 'terminal' },
    at: new Date().toISOString(),
    reason: 'nobody answers <!channel>',
  } as const;
  const broken = await buildRequest({ id: 'r1', state: 'verifying', brokenGlass });
  const voted = await buildRequest({
    id: 'r2',
    state: 'verifying',
    votes: [{ by: ann, at: brokenGlass.at, reason: null }],
  });
  for (const request of [broken, voted]) {
    await journal.create(request, { request: request.id, kind: 'proposed', body: {} });
  }
  folder.closeJournals();
  slack = await openSlack('socket', {
    channels: [{ id: database, name: 'database', members: [ana, identity.botUserId] }],
  });
  const config = readConfig({ DATABASE_URL: url, DBCONN_JOURNAL: folder.file });
  bot = await openBot({
    config: { ...config, channel: database },
    slack: { connection: { kind: 'socket', appToken }, botToken, apiUrl: slack.apiUrl },
    log: aLog().log,
  });
  await bot.start();
  const told = await slack.waitFor(
    ({ channels }) =>
      channels
        .find(({ id }) => id === database)
        ?.messages.find(({ text }) => text.startsWith('Break-glass')),
    patienceMs,
  );
  expect(told.text).toContain('jonas at the terminal ran option A for shop');
  expect(told.text).not.toContain('<!channel>');
  expect(toText(told)).toContain('nobody answers');
  const all = slack.state.channels.flatMap(({ messages }) => messages);
  expect(all.filter(({ text }) => text.startsWith('Break-glass'))).toHaveLength(1);
});
