import { afterEach, beforeEach, expect, test } from 'vitest';
import type { LocalSlack } from '../../sandbox/slack/server.ts';
import type { SlackApp } from '../../src/slack/app.ts';
import {
  aLog,
  ana,
  ben,
  database,
  openSlack,
  random,
  said,
  startApp,
  whispered,
} from './support/workspace.ts';
import { withhold } from './support/withhold.ts';

let slack: LocalSlack;
let app: SlackApp;
let giveBack = (): void => {};
const { log, lines } = aLog();

beforeEach(async () => {
  slack = await openSlack('socket');
  app = await startApp(slack, 'socket', { channel: database, log });
  lines.length = 0;
});

afterEach(async () => {
  giveBack();
  await app.stop();
  await slack.close();
});

const refusals = (): number => lines.filter((line) => line.includes('refuses a message')).length;

test('where charts have not arrived, tables still show, and nothing is refused twice', async () => {
  giveBack = withhold('data_visualization');
  await slack.typeCommand({ user: ana, channel: database, text: '/dbconn status' });
  const first = await said(slack, database, '94 of 97');
  const types = first.blocks?.map(({ type }) => type);
  expect(types).toContain('table');
  expect(types).not.toContain('data_visualization');
  expect(JSON.stringify(first.blocks)).toContain('60 to 94');

  const before = refusals();
  expect(before).toBeGreaterThan(0);
  await slack.typeCommand({ user: ana, channel: random, text: '/dbconn status' });
  await whispered(slack, ana, '94 of 97');
  expect(refusals()).toBe(before);
});

test('where tables have not arrived either, the figures stand in fixed-width rows', async () => {
  giveBack = withhold('data_visualization', 'table');
  await slack.typeCommand({ user: ana, channel: database, text: '/dbconn status' });
  const { blocks } = await said(slack, database, '94 of 97');
  expect(blocks?.map(({ type }) => type)).not.toContain('table');
  expect(JSON.stringify(blocks)).toContain('backend        1     80');
  const before = refusals();
  await slack.typeCommand({ user: ana, channel: database, text: '/dbconn sources' });
  await whispered(slack, ana, 'Sources of orders');
  expect(refusals()).toBe(before);
});

test('the log names the block Slack refused', async () => {
  giveBack = withhold('data_visualization');
  await slack.typeCommand({ user: ana, channel: database, text: '/dbconn status' });
  await said(slack, database, '94 of 97');
  expect(lines.join('')).toContain('unsupported type: data_visualization');
});

test('where the bot is no member, the response URL alone finds the plainer words', async () => {
  giveBack = withhold('data_visualization', 'table');
  await slack.typeCommand({ user: ben, channel: random, text: '/dbconn status' });
  const { blocks } = await whispered(slack, ben, '94 of 97');
  expect(JSON.stringify(blocks)).toContain('backend        1     80');
});

test('a workspace that refuses every block still gets the line of text, and later the blocks again', async () => {
  giveBack = withhold('data_visualization', 'table', 'header', 'rich_text', 'context');
  await slack.typeCommand({ user: ana, channel: database, text: '/dbconn status' });
  const { blocks } = await said(slack, database, '94 of 97');
  expect(blocks).toBeUndefined();
  giveBack();
  await slack.typeCommand({ user: ana, channel: database, text: '/dbconn sources' });
  const sources = await whispered(slack, ana, 'Sources of orders');
  expect(sources.blocks?.map(({ type }) => type)).toContain('table');
});
