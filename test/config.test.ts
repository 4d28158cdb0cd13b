import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConfigError, readConfig, readSlackConfig } from '../src/config.ts';
import { toPolicy } from '../src/config/to-policy.ts';

import { defaultLimits } from '../src/runbook/target.ts';

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
  test('the example in docs is valid and its limits are the defaults', () => {
    const example = readFileSync(new URL('../docs/dbconn.example.yml', import.meta.url), 'utf8');
    const config = readConfig(
      { DBCONN_DATABASE_URL: 'postgres://dbconn@db/orders' },
      file(example),
    );
    expect(config.targets[0]?.target.limits).toEqual(defaultLimits);
    expect(config.channel).toBe('C0123456789');
    expect(config.journal).toBe('dbconn.sqlite');
    expect(toPolicy(config.approval)).toMatchObject({
      expiresAfterMs: 900_000,
      readOnly: false,
      options: {
        A: { proposers: ['U0123456789'], approvers: ['U0123456780', 'U0123456781'], votes: 1 },
      },
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
      'Write a dbconn.yml, or set DATABASE_URL to look at one database.',
    ]);
  });

  test('a file that was named but is not there is a problem', () => {
    const environment = { DBCONN_CONFIG: '/nowhere.yml', DATABASE_URL: 'postgres://me@db/x' };
    expect(problemsOf(() => readConfig(environment))).toEqual(['There is no file /nowhere.yml.']);
  });
});

describe("Slack's settings", () => {
  test('an app token means Socket Mode, a signing secret HTTP', () => {
    const socket = readSlackConfig({ SLACK_BOT_TOKEN: 'xoxb-1', SLACK_APP_TOKEN: 'xapp-1' });
    expect(socket.connection).toEqual({ kind: 'socket', appToken: 'xapp-1' });
    const http = readSlackConfig({
      SLACK_BOT_TOKEN: 'xoxb-1',
      SLACK_SIGNING_SECRET: 's',
      PORT: '8080',
    });
    expect(http.connection).toEqual({ kind: 'http', signingSecret: 's', port: 8080 });
  });

  test('missing and contradictory settings are named together', () => {
    const environment = { SLACK_APP_TOKEN: 'xoxb-1', SLACK_SIGNING_SECRET: 's', PORT: 'x' };
    expect(problemsOf(() => readSlackConfig(environment))).toHaveLength(4);
  });
});
