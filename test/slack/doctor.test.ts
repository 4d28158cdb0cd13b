import { afterEach, expect, test } from 'vitest';
import { identity } from '../../sandbox/slack/identity.ts';
import type { Interference } from '../../sandbox/slack/interference.ts';
import type { SlackOptions } from '../../sandbox/slack/options.ts';
import type { LocalSlack } from '../../sandbox/slack/server.ts';
import type { SlackApp } from '../../src/slack/app.ts';
import { faultsOfText } from '../support/plain-english.ts';
import { blockText } from './support/to-text.ts';
import { withhold } from './support/withhold.ts';
import {
  ana,
  ben,
  database,
  openSlack,
  random,
  readManifest,
  startApp,
  whispered,
} from './support/workspace.ts';

let slack: LocalSlack | undefined;
let app: SlackApp | undefined;

afterEach(async () => {
  await app?.stop();
  await slack?.close();
});

async function ask(
  user: string,
  changes: {
    readonly slack?: Partial<SlackOptions>;
    readonly channel?: 'none';
    readonly interfere?: Interference;
  } = {},
): Promise<string> {
  slack = await openSlack('socket', changes.slack);
  if (changes.interfere !== undefined) slack.interfere('blocks.validate', changes.interfere, 1000);
  app = await startApp(slack, 'socket', changes.channel === undefined ? { channel: database } : {});
  await slack.typeCommand({ user, channel: random, text: '/dbconn doctor' });
  const { text, blocks = [] } = await whispered(slack, user, 'Doctor for orders');
  const shown = `${text}\n${blocks.map(blockText).join('\n')}`;
  expect(faultsOfText(shown.replaceAll('Slack:  ', '\n'))).toEqual([]);
  return shown;
}

test('all is in order when the scopes are there and the bot can post to the asker', async () => {
  const shown = await ask(ana);
  expect(shown).toContain('Doctor for orders: 4 OK');
  expect(shown).toContain('The role sees all.');
  expect(shown).toContain('chat:write, commands');
  expect(shown).toContain('can post in the incident channel');
});

test('a missing scope is named, with the way to get it', async () => {
  const shown = await ask(ana, { slack: { manifest: readManifest(['commands']) } });
  expect(shown).toContain('The bot lacks chat:write');
  expect(shown).toContain('reinstall the app');
  expect(shown).toContain('missing_scope');
});

test('a scope dbconn does without is a warning that says what it then does worse', async () => {
  const manifest = readManifest(['commands', 'chat:write', 'users:read', 'usergroups:read']);
  const shown = await ask(ana, { slack: { manifest } });
  expect(shown).not.toContain('The bot lacks');
  expect(shown).toContain('Without channels:history, dbconn may repeat itself');
});

test('a bot that is not in the incident channel is to be invited', async () => {
  const channels = [
    { id: database, name: 'database', members: [ana] },
    { id: random, name: 'random', members: [ana, identity.botUserId] },
  ];
  const shown = await ask(ana, { slack: { channels } });
  expect(shown).toContain('The bot is not in the incident channel.');
  expect(shown).toContain('/invite @dbconn');
});

test('who is not in the incident channel is told that it cannot be seen from here', async () => {
  expect(await ask(ben)).toContain('Only members of the incident channel can try');
});

test('without an incident channel nothing is probed, and the setting is named', async () => {
  const shown = await ask(ana, { channel: 'none' });
  expect(shown).toContain('Set slack.channel in dbconn.yml');
  const probes = slack?.state.ephemerals.filter(({ message }) => message.text.includes('can post'));
  expect(probes).toEqual([]);
});

test('Slack is asked about one example of everything dbconn sends, and posts none of it', async () => {
  const shown = await ask(ana);
  expect(shown).toMatch(/Slack takes an example of all \d\d messages and 10 views of dbconn\./);
  expect(slack?.state.channels.flatMap(({ messages }) => messages)).toEqual([]);
});

test('what a workspace has not got yet is said, with what people see instead', async () => {
  const giveBack = withhold('data_visualization', 'table');
  try {
    const shown = await ask(ana);
    expect(shown).toMatch(/This workspace has no tables: .* show rows as text\./);
    expect(shown).not.toContain('Slack refuses');
    expect(shown).not.toContain('To fix');
  } finally {
    giveBack();
  }
});

test('what could not be shown at all is to be fixed', async () => {
  const giveBack = withhold('actions');
  try {
    const shown = await ask(ana);
    expect(shown).toMatch(/Slack refuses status, request, .* people see one line of text\./);
  } finally {
    giveBack();
  }
});

test('a Slack that does not know the method is none the worse for it', async () => {
  const shown = await ask(ana, { interfere: { kind: 'refused', error: 'unknown_method' } });
  expect(shown).toContain(
    'Slack did not check what its workspace takes of dbconn (unknown_method).',
  );
  expect(shown).not.toContain('To fix');
});
