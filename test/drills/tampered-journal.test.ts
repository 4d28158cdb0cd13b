import { renameSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openBot } from '../support/open-bot.ts';

import { readConfig } from '../../src/config/config.ts';
import { createJournalCheck } from '../../src/app/journal-check.ts';
import { identity } from '../../sandbox/slack/identity.ts';
import type { LocalSlack } from '../../sandbox/slack/server.ts';
import { sqliteShelf } from '../journal/shelves.ts';
import type { Place } from '../journal/shelves.ts';
import { buildRequest } from '../runbook/approvals/builders.ts';
import { aLog, ana, appToken, botToken, database, openSlack } from '../slack/support/workspace.ts';
import { patienceMs, until } from '../support/until.ts';
import type { Bot } from '../../src/app/deps.ts';

/** What people hear when somebody writes into the journal past dbconn, or takes it away. */
let place: Place;
let slack: LocalSlack | undefined;
let bot: Bot | undefined;
beforeEach(async () => {
  place = await (await sqliteShelf()).clear();
});
afterEach(async () => {
  await bot?.stop();
  await slack?.close();
  await place.close();
  [bot, slack] = [undefined, undefined];
});

async function tamper(): Promise<void> {
  const journal = await place.open();
  const request = await buildRequest({ votesNeeded: 2 });
  await journal.create(request, { request: 'r1', kind: 'proposed', body: { target: 'shop' } });
  await place.tamper(
    `UPDATE requests SET data = replace(data, '"votesNeeded":2', '"votesNeeded":1')`,
  );
}

test('the channel, the log and readiness say that a request was changed past the journal’s entries', async () => {
  await tamper();
  slack = await openSlack('socket', {
    channels: [{ id: database, name: 'database', members: [ana, identity.botUserId] }],
  });
  const config = readConfig({
    DATABASE_URL: 'postgres://dbconn@127.0.0.1:9/shop',
    DBCONN_JOURNAL: place.address,
    DBCONN_HTTP_PORT: '127.0.0.1:0',
  });
  const { log, lines } = aLog();
  bot = await openBot({
    config: { ...config, channel: database },
    slack: { connection: { kind: 'socket', appToken }, botToken, apiUrl: slack.apiUrl },
    log,
  });
  await bot.start();
  const told = await slack.waitFor(
    ({ channels }) =>
      channels
        .find(({ id }) => id === database)
        ?.messages.find(({ text }) => text.includes('was changed past the journal')),
    patienceMs,
  );
  expect(told.text).toContain('Request r1');
  expect(told.text).toContain('Nothing is changed on shop until this is settled.');
  expect(lines.join('\n')).toContain('The journal is not as dbconn wrote it');
  const { httpPort = 0 } = bot;
  await until('readiness says so', async () => {
    const answer = await fetch(`http://127.0.0.1:${httpPort}/readyz`);
    return (
      answer.status === 503 && (await answer.text()).includes('The journal was moved or changed')
    );
  });
});

test('each is said once, also while Slack does not take it at first, and its end is in the log', async () => {
  const journal = await place.open();
  const { log, lines } = aLog();
  const headlines: string[] = [];
  let isAway = true;
  const watch = createJournalCheck({
    config: { channel: 'C1' },
    journal,
    announcements: {
      announce: ({ headline }) => {
        if (isAway) return Promise.reject(new Error('Slack is away.'));
        headlines.push(headline);
        return Promise.resolve();
      },
    },
    log,
  });
  await watch.verify();
  expect(await watch.check.read()).toBeNull();
  renameSync(place.address, `${place.address}.old`);
  await watch.verify();
  isAway = false;
  await watch.verify();
  await watch.verify();
  expect(headlines).toHaveLength(1);
  expect(headlines[0]).toMatch(
    /^The journal’s file was moved.*nothing is changed on any target\.$/,
  );
  expect(await watch.check.read()).not.toBeNull();
  expect(watch.problems()).toHaveLength(1);
  renameSync(`${place.address}.old`, place.address);
  await watch.verify();
  expect(watch.problems()).toEqual([]);
  expect(lines.at(-1)).toContain('as dbconn wrote it again');
});
