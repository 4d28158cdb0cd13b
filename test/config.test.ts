import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ConfigError } from '../src/config/environment.ts';
import { readBotConfig, readConfig } from '../src/config/config.ts';
import { ConfigFile } from '../src/config/file.ts';
import { toPolicy } from '../src/config/to-rules.ts';
import { defaultPolicy } from '../src/runbook/approvals/policy.ts';
import { defaultLimits } from '../src/runbook/snapshot/target.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'dbconn-config-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function file(text: string): string {
  const path = join(directory, 'dbconn.yml');
  writeFileSync(path, text);
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

describe('dbconn.yml', () => {
  test('an address that slipped into a key is in no problem and in no warning of the parser', async () => {
    const warnings: string[] = [];
    const keep = (warning: Error): void => void warnings.push(warning.message);
    process.on('warning', keep);
    const secret = 'postgres://dbconn:hunter2@db/shop';
    const texts = [`? url: ${secret}\n`, `targets:\n  - ? { url: "${secret}" }\n    : 1\n`];
    for (const text of texts) {
      const problems = problemsOf(() => readConfig({}, file(text)));
      expect(problems).not.toEqual([]);
      expect(problems.join(' ')).not.toContain('hunter2');
    }
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', keep);
    expect(warnings).toEqual([]);
  });

  test('an alias of YAML that names what it stands in is refused, and read without end by nobody', () => {
    const problems = problemsOf(() => readConfig({}, file('alerts: &a\n  x: *a\n  y: *a\n')));
    expect(problems).toContain(
      'alerts.x: an alias (*) refers to a value that contains it. Write the value itself.',
    );
  });

  test('a key that is misspelt is named', () => {
    expect(problemsOf(() => readConfig({}, file('targts: []\n'))).join(' ')).toContain('targts');
  });

  const example = readFileSync(new URL('../docs/dbconn.example.yml', import.meta.url), 'utf8');

  test('the example in docs shows every key there is', () => {
    const schema = JSON.stringify(
      z.toJSONSchema(ConfigFile, { io: 'input', unrepresentable: 'any' }),
    );
    const keys = new Set<string>();
    JSON.parse(schema, (key, value: unknown) => {
      if (key !== 'properties' || typeof value !== 'object' || value === null) return value;
      for (const name of Object.keys(value)) keys.add(name);
      return value;
    });
    expect(keys.size).toBeGreaterThan(100);
    expect([...keys].filter((key) => !new RegExp(`\\b${key}:`).test(example))).toEqual([]);
  });

  test('the example in docs works as it is copied: the defaults, and nobody’s ids', () => {
    const environment = { DBCONN_DATABASE_URL: 'postgres://dbconn@db/orders' };
    const config = readConfig(environment, file(example));
    expect(config.targets[0]?.target.limits).toEqual(defaultLimits);
    expect(config.channel).toBeUndefined();
    expect(config.journal).toBe('dbconn.sqlite');
    expect(config.incidents).toEqual(
      readConfig({ DATABASE_URL: environment.DBCONN_DATABASE_URL }).incidents,
    );
    expect(toPolicy(config.approval)).toEqual(defaultPolicy);
    expect(JSON.stringify(config)).not.toMatch(/[CSU]01234567/);
  });

  test('every line that the example comments out is valid too', () => {
    const settings = /^( *)# ?((?: {2})*(?:- )?(?:\w+:(?: .*)?|\{.*\}))$/gm;
    const text = example.replaceAll(settings, '$1$2');
    expect(text.match(/^ *# \w+:/gm)).toBeNull();
    const names = [...text.matchAll(/\$\{(\w+)\}/g)].map(([, name = '']) => name);
    const values = names.map((name): [string, string] => [
      name,
      name.endsWith('PASSWORD') ? 'a password of 16' : 'postgres://dbconn@db/orders',
    ]);
    const environment = { ...Object.fromEntries(values), PAGERDUTY_ROUTING_KEY: 'R'.repeat(32) };
    const config = readConfig(environment, file(text));
    expect(config.channel).toBe('C0123456789');
    expect(config.journal).toMatch(/^postgres:/);
    expect(toPolicy(config.approval).options.A).toMatchObject({
      proposers: ['U0123456789'],
      approvers: ['U0123456780', 'U0123456781'],
      votes: 1,
      expiresAfterMs: 900_000,
      cooldownMs: 120_000,
    });
  });

  test('every problem is named at once', () => {
    const text = `
targets:
  - name: a
    database: { url: "\${MISSING}", reserverUrl: x }
    limits: { idleInTransactionWarning: soon, warningUtilisation: 80 }
  - name: a
    database: { url: http://db }
`;
    const problems = problemsOf(() => readConfig({}, file(text))).join('\n');
    expect(problems).toContain('MISSING is not set');
    expect(problems).toContain('reserverUrl');
    expect(problems).toContain('targets.0.limits.idleInTransactionWarning: is a duration');
    expect(problems).toContain('targets.0.limits.warningUtilisation: is a share from 0 to 1');
    expect(problems).toContain('targets.1.database.url: is not a postgres:// address');
  });

  test('a broken file never shows the line it broke at', () => {
    const text = 'targets:\n  - database: { url: postgres://u:hunter2@db/x\n  : ]';
    const problems = problemsOf(() => readConfig({}, file(text))).join('\n');
    expect(problems).toContain('is not valid YAML');
    expect(problems).not.toContain('hunter2');
  });

  test('an invalid address is not repeated', () => {
    const text = 'targets: [{ name: a, database: { url: "mysql://u:hunter2@db" } }]';
    expect(problemsOf(() => readConfig({}, file(text))).join('\n')).not.toContain('hunter2');
  });
});

describe('without a file', () => {
  test('DATABASE_URL makes one target', () => {
    const config = readConfig({ DATABASE_URL: 'postgres://me@db/x' });
    expect(config.targets.map(({ target }) => target.name)).toEqual(['default']);
  });

  test('nobody may approve anything, and the journal stands where the environment says', () => {
    const environment = { DATABASE_URL: 'postgres://me@db/x', DBCONN_JOURNAL: '/data/j.sqlite' };
    const { approval, journal, targets } = readConfig(environment);
    expect(toPolicy(approval).options).toEqual({});
    expect(journal).toBe('/data/j.sqlite');
    expect(targets[0]?.target.canAct).toBe(false);
  });

  test('nothing at all says what to write', () => {
    expect(problemsOf(() => readConfig({}))).toEqual([
      'Write a dbconn.yml, or set DATABASE_URL to check one database.',
    ]);
  });

  test('a file that was named but is not there is a problem', () => {
    const environment = { DBCONN_CONFIG: '/nowhere.yml', DATABASE_URL: 'postgres://me@db/x' };
    expect(problemsOf(() => readConfig(environment))).toEqual(['There is no file /nowhere.yml.']);
  });
});

describe("Slack's settings", () => {
  const bot = { DATABASE_URL: 'postgres://me@db/x', SLACK_BOT_TOKEN: 'xoxb-1' };

  test('an app token means Socket Mode, a signing secret HTTP', () => {
    const socket = readBotConfig({ ...bot, SLACK_APP_TOKEN: 'xapp-1' });
    expect(socket.slack.connection).toEqual({ kind: 'socket', appToken: 'xapp-1' });
    const http = readBotConfig({ ...bot, SLACK_SIGNING_SECRET: 's', PORT: '8080' });
    expect(http.slack.connection).toEqual({ kind: 'http', signingSecret: 's', port: 8080 });
  });

  test('missing and contradictory settings are named together', () => {
    const slack = { SLACK_APP_TOKEN: 'xoxb-1', SLACK_SIGNING_SECRET: 's', PORT: 'x' };
    const environment = { ...bot, SLACK_BOT_TOKEN: '', ...slack };
    expect(problemsOf(() => readBotConfig(environment))).toHaveLength(4);
  });
});
