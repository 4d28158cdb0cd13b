import { existsSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { Cluster } from '../../sandbox/patient/cluster.ts';
import { readConfig } from '../../src/config/config.ts';
import type { Check } from '../../src/runbook/diagnose/doctor.ts';
import { appToken, botToken, openSlack } from '../slack/support/workspace.ts';
import { startCluster } from '../support/clusters.ts';
import { Sessions } from '../support/sessions.ts';
import { withApp } from '../support/with-app.ts';

/** What doctor says of a server is tried on it: each command that it gives is run, and it is asked again. */
let cluster: Cluster;
let sessions: Sessions;
let folder = '';

beforeAll(async () => {
  cluster = await startCluster({
    settings: { reserved_connections: 2, max_connections: 20 },
    hba: ['host all refused 127.0.0.1/32 reject'],
  });
  sessions = new Sessions(cluster);
  await sessions.ask(
    `CREATE ROLE looking LOGIN; GRANT pg_monitor, pg_use_reserved_connections TO looking;
     CREATE ROLE refused LOGIN; CREATE ROLE plain LOGIN; CREATE ROLE app LOGIN`,
  );
});
afterAll(async () => {
  await sessions.close();
  await cluster.close();
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dbconn-doctor-'));
  await sessions.ask('CREATE ROLE acting LOGIN');
});
afterEach(async () => {
  rmSync(folder, { recursive: true });
  await sessions.ask('DROP OWNED BY acting; DROP ROLE acting');
});

const approve = ['U0ANN', 'U0BOB', 'U0CLEO'];

async function doctor(
  urls: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string>> = {},
): Promise<readonly Check[]> {
  const file = join(folder, 'dbconn.yml');
  await writeFile(
    file,
    stringify({
      targets: [{ name: 'orders', database: { url: cluster.url('looking'), ...urls } }],
      approval: { A: { approve }, B: { approve }, C: { approve }, D: { approve }, E: { approve } },
      journal: join(folder, 'journal.sqlite'),
    }),
  );
  return withApp(readConfig({}, file), (app) => app.doctor('orders', environment));
}

function option(checks: readonly Check[], letter: string): Check | undefined {
  return linesOf(checks, letter)[0];
}

/** What is said of an option, alone or together with others that lack the same. */
function linesOf(checks: readonly Check[], letter: string): readonly Check[] {
  return checks.filter(({ subject, summary }) => {
    const [names = ''] = summary.split(/ (?:cannot|can|may|runs?) /);
    return (
      subject === 'Configuration' &&
      names
        .split(/, | and /)
        .some((name) => name.toLowerCase() === `option ${letter.toLowerCase()}`)
    );
  });
}

test('an option can run once every command that doctor gave for it was run, and not before', async () => {
  const lacked: string[] = [];
  const ask = async (): Promise<readonly Check[]> => {
    const checks = await doctor({ actingUrl: cluster.url('acting') });
    return ['A', 'B', 'D'].flatMap((letter) => option(checks, letter) ?? []);
  };
  let options = await ask();
  for (;;) {
    const fix = options.find(({ state }) => state !== 'ok')?.fix;
    // A command that does not help is not run twice.
    if (fix === undefined || lacked.includes(fix)) break;
    lacked.push(fix);
    await sessions.ask(fix);
    options = await ask();
  }
  expect(options.map(({ summary }) => summary)).toEqual([
    'Option A can run: it needs 1 vote of 3 approvers.',
    'Option B can run: it needs 2 votes of 3 approvers.',
    'Option D can run: it needs 1 vote of 3 approvers.',
  ]);
  expect(lacked).toEqual([
    'GRANT pg_signal_backend TO "acting";',
    'GRANT pg_monitor TO "acting";',
    'GRANT ALTER SYSTEM ON PARAMETER max_connections TO "acting";',
  ]);
});

test('each option is in one line, worst first, with what it lacks, and those that lack the same share it', async () => {
  const checks = await doctor({ actingUrl: cluster.url('refused') });
  expect(checks.map(({ state }) => state)).toEqual(
    ['missing', 'warning', 'off', 'ok'].flatMap((state) =>
      checks.filter((check) => check.state === state).map(() => state),
    ),
  );
  const lines = ['A', 'B', 'C', 'D', 'E'].map((letter) => {
    const own = linesOf(checks, letter);
    expect(own).toHaveLength(1);
    return own.map(({ state, fix }) => [state, fix !== undefined]);
  });
  expect(lines).toEqual([
    [['missing', true]],
    [['missing', true]],
    [['off', true]],
    [['missing', true]],
    [['off', true]],
  ]);
  expect(option(checks, 'A')?.summary).toMatch(
    /^Option A, option B and option D cannot run\. database\.actingUrl: /,
  );
});

test('a role that is no help on a full server is found out before the night', async () => {
  const useless = await doctor({
    reservedUrl: cluster.url('plain'),
    rescueUrl: cluster.url('plain'),
  });
  expect(useless.filter(({ state }) => state === 'missing').slice(0, 2)).toMatchObject([
    { fix: 'GRANT pg_use_reserved_connections TO "plain";' },
    { fix: 'Set database.rescueUrl to a superuser, or remove it.' },
  ]);
  const useful = await doctor({ reservedUrl: cluster.url('looking'), rescueUrl: cluster.url() });
  expect(useful).toMatchObject(
    expect.arrayContaining([
      expect.objectContaining({
        state: 'ok',
        summary: 'database.reservedUrl: the role logs in and may use reserved connections.',
      }),
      expect.objectContaining({
        state: 'ok',
        summary: 'database.rescueUrl: the role logs in and is a superuser.',
      }),
    ]),
  );
});

test('asking changes nothing and leaves nothing behind', async () => {
  await sessions.ask(
    `GRANT pg_monitor, pg_signal_backend TO acting;
     GRANT ALTER SYSTEM ON PARAMETER max_connections TO acting`,
  );
  const autoConf = join(cluster.dataDirectory, 'postgresql.auto.conf');
  const [settings, log] = [readFileSync(autoConf, 'utf8'), await cluster.log()];
  const checks = await doctor({ actingUrl: cluster.url('acting'), rescueUrl: cluster.url() });
  expect(checks.find(({ subject }) => subject === 'Journal')?.state).toBe('ok');
  expect(option(checks, 'A')?.state).toBe('ok');
  expect(readFileSync(autoConf, 'utf8')).toBe(settings);
  expect((await cluster.log()).slice(log.length)).not.toMatch(/ERROR|FATAL|canceling/);
  expect(existsSync(join(folder, 'journal.sqlite'))).toBe(false);
  expect(
    await sessions.ask(`SELECT FROM pg_stat_activity WHERE application_name = 'dbconn'`),
  ).toEqual([]);
});

test('on a full server the last connections are left alone, and no option is promised', async () => {
  await sessions.ask('GRANT pg_monitor, pg_signal_backend TO acting');
  const urls = { actingUrl: cluster.url('acting') };
  for (let taken = 0; taken < 13; taken += 1) await sessions.open({ user: 'app' });
  const checks = await doctor(urls);
  expect(option(checks, 'A')).toMatchObject({
    state: 'warning',
    summary:
      'Option A, option B and option D may not run. PostgreSQL is full, so no role was tried.',
  });
});

test('a journal that could not be written is missing', async () => {
  const file = join(folder, 'dbconn.yml');
  const database = { url: cluster.url('looking') };
  const journal = join(folder, 'nowhere', 'journal.sqlite');
  await writeFile(file, stringify({ targets: [{ name: 'orders', database }], journal }));
  const checks = await withApp(readConfig({}, file), (app) => app.doctor('orders', {}));
  expect(checks.find(({ subject }) => subject === 'Journal')).toMatchObject({ state: 'missing' });
});

test('with a token a terminal asks Slack too: people, scopes, and what the workspace takes', async () => {
  const slack = await openSlack('socket');
  try {
    const tokens = { SLACK_BOT_TOKEN: botToken, SLACK_APP_TOKEN: appToken };
    const checks = await doctor({}, { ...tokens, SLACK_API_URL: slack.apiUrl });
    const said = checks.filter(({ subject }) => subject === 'Slack').map(({ summary }) => summary);
    expect(said).toEqual([
      expect.stringContaining('U0ANN, U0BOB, U0CLEO cannot be checked: Slack knows no such person'),
      expect.stringContaining('No incident channel is configured'),
      expect.stringContaining('The bot has the scopes it needs'),
      // A busy machine may not get through them in time.
      expect.stringMatching(/Slack takes an example of all|Slack did not check what/),
    ]);
    expect(slack.state.ephemerals).toEqual([]);
  } finally {
    await slack.close();
  }
});

test('a token that is none is said in a sentence, and its text is not', async () => {
  const checks = await doctor({}, { SLACK_BOT_TOKEN: 'xoxp-secret', SLACK_APP_TOKEN: appToken });
  const said = checks.filter(({ subject }) => subject === 'Slack');
  expect(said).toMatchObject([{ state: 'missing' }]);
  expect(JSON.stringify(checks)).not.toContain('secret');
});

test('without a dbconn.yml one line says that the options need one', async () => {
  const checks = await withApp(readConfig({ DATABASE_URL: cluster.url('looking') }), (app) =>
    app.doctor('default', {}),
  );
  expect(checks.filter(({ summary }) => /option/i.test(summary))).toMatchObject([
    { summary: 'Options A to E cannot run: no approver is named.' },
  ]);
  expect(JSON.stringify(checks)).toContain('docs/dbconn.example.yml');
});
