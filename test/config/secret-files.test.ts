import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { readSlackConfig } from '../../src/config/slack-settings.ts';
import { ConfigError } from '../../src/config/environment.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'dbconn-secrets-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

const configOf = (url: string): string =>
  write('dbconn.yml', `targets: [{ name: orders, database: { url: '${url}' } }]\n`);

describe('a secret in a file', () => {
  test('is named in dbconn.yml, and its line end is no part of it', () => {
    const secret = write('url', 'postgres://dbconn:hidden@db/orders\n');
    const { targets } = readConfig({}, configOf(`\${file:${secret}}`));
    expect(targets[0]?.database.url).toBe('postgres://dbconn:hidden@db/orders');
  });

  test('is a part of a value', () => {
    const secret = write('password', 'hidden');
    const { targets } = readConfig({}, configOf(`postgres://dbconn:\${file:${secret}}@db/orders`));
    expect(targets[0]?.database.url).toBe('postgres://dbconn:hidden@db/orders');
  });

  test('is named by NAME_FILE, for what dbconn.yml asks for and for what it does not', () => {
    const secret = write('url', 'postgres://dbconn:hidden@db/orders\n');
    const environment = {
      DATABASE_URL_FILE: secret,
      URL_FILE: secret,
      DBCONN_JOURNAL_FILE: secret,
    };
    expect(readConfig(environment).targets[0]?.database.url).toContain('hidden');
    expect(readConfig(environment, configOf('${URL}')).targets[0]?.database.url).toContain(
      'hidden',
    );
  });

  test('is the token of Slack', () => {
    const environment = {
      SLACK_BOT_TOKEN_FILE: write('bot', 'xoxb-1-hidden\n'),
      SLACK_APP_TOKEN_FILE: write('app', 'xapp-1-hidden\n'),
    };
    expect(readSlackConfig(environment)).toMatchObject({
      botToken: 'xoxb-1-hidden',
      connection: { appToken: 'xapp-1-hidden' },
    });
  });

  test.for([
    ['is not there', () => join(directory, 'nothing'), /\(ENOENT\)/],
    ['is a folder', () => directory, /names is not a file/],
    ['is a pipe that nobody writes to', () => pipe(), /names is not a file/],
    ['is larger than any secret', () => write('large', 'x'.repeat(70_000)), /larger than 64 KiB/],
    ['is named by a relative path', () => 'secrets/url', /must begin with \//],
  ] as [string, () => string, RegExp][])('that %s is one clear problem', ([, make, expected]) => {
    const path = make();
    const problems = problemsOf(() => readConfig({}, configOf(`\${file:${path}}`)));
    expect(problems[0]).toMatch(/^targets\.0\.database\.url: /);
    expect(problems[0]).toMatch(expected);
    expect(problemsOf(() => readConfig({ DATABASE_URL_FILE: path }))[0]).toMatch(expected);
    expect(problemsOf(() => readSlackConfig({ SLACK_BOT_TOKEN_FILE: path }))[0]).toMatch(expected);
  });

  test('and a variable of the same name contradict each other, and neither is shown', () => {
    const environment = {
      DATABASE_URL: 'postgres://dbconn:hidden@db/orders',
      DATABASE_URL_FILE: write('url', 'postgres://dbconn:hidden@db/other'),
    };
    const [problem] = problemsOf(() => readConfig(environment));
    expect(problem).toBe('DATABASE_URL and DATABASE_URL_FILE are both set. Set one of them.');
  });
});

function pipe(): string {
  const path = join(directory, 'pipe');
  execFileSync('mkfifo', [path]);
  return path;
}

function problemsOf(read: () => unknown): readonly string[] {
  try {
    read();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}
