import { expect, test } from 'vitest';
import { ConfigError } from '../../src/config/environment.ts';
import { readBotConfig } from '../../src/config/config.ts';

/** Tokens as they come out of a clipboard, a file of Windows, a secret store, or the wrong page of Slack. */

const usual = { DATABASE_URL: 'postgres://me@db/x', SLACK_APP_TOKEN: 'xapp-1' };

function problemsOf(environment: Record<string, string>): readonly string[] {
  try {
    readBotConfig({ ...usual, ...environment });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

test.for([
  'xoxb-lab\r',
  'xoxb-lab ',
  ' xoxb-lab',
  'xoxb-lab\n',
  '\txoxb-lab\r\n',
  '\u{FEFF}xoxb-lab',
])('what is around the token %j does no harm', (SLACK_BOT_TOKEN) => {
  const { slack } = readBotConfig({ ...usual, SLACK_BOT_TOKEN });
  expect(slack.botToken).toBe('xoxb-lab');
});

test('a blank after the app token or the signing secret does no harm either', () => {
  const socket = readBotConfig({
    ...usual,
    SLACK_BOT_TOKEN: 'xoxb-1',
    SLACK_APP_TOKEN: 'xapp-1\r',
  });
  expect(socket.slack.connection).toEqual({ kind: 'socket', appToken: 'xapp-1' });
  const secret = { SLACK_APP_TOKEN: ' ', SLACK_SIGNING_SECRET: 'a1b2\r\n' };
  const http = readBotConfig({ ...usual, SLACK_BOT_TOKEN: 'xoxb-1', ...secret });
  expect(http.slack.connection).toMatchObject({ kind: 'http', signingSecret: 'a1b2' });
});

const rotated =
  / which dbconn does not renew\. Create the app again from manifest\.yml, which has token rotation off\.$/;

test.for<[string, Record<string, string>, RegExp]>([
  ['rotation', { SLACK_BOT_TOKEN: 'xoxe.xoxb-1-lab' }, rotated],
  ['rotation of a user token', { SLACK_BOT_TOKEN: 'xoxe.xoxp-1-lab' }, rotated],
  ['the refresh token', { SLACK_BOT_TOKEN: 'xoxe-1-lab' }, /is a refresh token of token rotation/],
  [
    'the app token',
    { SLACK_BOT_TOKEN: 'xapp-1-lab' },
    /^SLACK_BOT_TOKEN is an app-level token\. Set the Bot User OAuth Token/,
  ],
  ['a user token', { SLACK_BOT_TOKEN: 'xoxp-1-lab' }, /^SLACK_BOT_TOKEN is a user token\. /],
  [
    'a token of the browser',
    { SLACK_BOT_TOKEN: 'xoxc-1-lab' },
    /^SLACK_BOT_TOKEN is another kind of token\. /,
  ],
  [
    'a webhook',
    { SLACK_BOT_TOKEN: 'https://hooks.slack.com/lab' },
    /^SLACK_BOT_TOKEN does not start with xoxb-\. /,
  ],
  [
    'a blank inside',
    { SLACK_BOT_TOKEN: 'xoxb-1 lab' },
    /has a blank, a quote or another character/,
  ],
  ['two lines', { SLACK_BOT_TOKEN: 'xoxb-1\nlab' }, /has a blank, a quote or another character/],
  ['a quote', { SLACK_BOT_TOKEN: 'xoxb-lab"' }, /has a blank, a quote or another character/],
  ['a letter that only looks alike', { SLACK_BOT_TOKEN: 'xoxb-lаb' }, /another character/],
  [
    'the bot token',
    { SLACK_BOT_TOKEN: 'xoxb-1', SLACK_APP_TOKEN: 'xoxb-lab' },
    /^SLACK_APP_TOKEN is a bot token\. Set an App-Level Token/,
  ],
  [
    'a token as signing secret',
    { SLACK_BOT_TOKEN: 'xoxb-1', SLACK_APP_TOKEN: '', SLACK_SIGNING_SECRET: 'xapp-1-lab' },
    /^SLACK_SIGNING_SECRET is an app-level token\. Set the Signing Secret/,
  ],
])('%s in the wrong place is named, and never shown', ([, environment, sentence]) => {
  const problems = problemsOf(environment);
  expect(problems).toEqual([expect.stringMatching(sentence)]);
  expect(problems.join()).not.toContain('lab');
});
