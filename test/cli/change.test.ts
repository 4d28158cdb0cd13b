import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { childEnvironment } from '../support/child-environment.ts';
import { startCluster } from '../support/clusters.ts';
import type { Cluster } from '../../sandbox/patient/cluster.ts';
import { recordAnswer } from '../record/recorded.ts';
import { until } from '../support/until.ts';

/** `dbconn …` as a process of its own, against a real server with one forgotten transaction. */
const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));
const password = 'hunter2-in-the-url';

let cluster: Cluster;
let forgotten: Client;
let directory = '';

beforeAll(async () => {
  cluster = await startCluster();
  const admin = new Client({ connectionString: cluster.url() });
  await admin.connect();
  await admin.query('CREATE ROLE app LOGIN; CREATE ROLE acting LOGIN');
  await admin.query('GRANT pg_monitor, pg_signal_backend TO acting');
  await admin.end();
  await forget();
});

/** Leaves a transaction open. */
async function forget(): Promise<void> {
  forgotten = new Client({ connectionString: cluster.url('app'), application_name: 'backend' });
  // Ending it is what this is about.
  forgotten.on('error', () => undefined);
  await forgotten.connect();
  await forgotten.query('BEGIN');
  await forgotten.query(`SELECT 'secret-of-a-customer'`);
  const aged = `state = 'idle in transaction' AND now() - state_change > interval '1 s'`;
  await until('a session idle for a second', async () => (await sessions(aged)) === 1);
}

afterAll(async () => {
  await forgotten.end();
  await cluster.close();
});
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dbconn-cli-'));
  await writeFile(join(directory, 'dbconn.yml'), configuration('approve: [U0JONAS, U0DANA]'));
});
afterEach(() => rm(directory, { recursive: true }));

async function sessions(condition: string): Promise<number> {
  const admin = new Client({ connectionString: cluster.url() });
  await admin.connect();
  try {
    const { rowCount } = await admin.query(`SELECT FROM pg_stat_activity WHERE ${condition}`);
    return rowCount ?? 0;
  } finally {
    await admin.end();
  }
}

function configuration(approvers: string): string {
  const [url, actingUrl] = ['postgres', 'acting'].map((user) =>
    cluster.url(user, 'postgres', password),
  );
  return `
targets:
  - name: orders
    database: { url: "${url}", actingUrl: "${actingUrl}" }
    limits: { terminateIdleInTransaction: 1s, terminateIdle: 1s }
    contacts: { databaseAdmins: S0DBA }
approval:
  A: { ${approvers} }
`;
}

async function dbconn(...words: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [cli, ...words], {
    cwd: directory,
    env: { ...childEnvironment, NO_COLOR: '1', NODE_NO_WARNINGS: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  await once(child, 'close');
  expect(output).not.toContain(password);
  expect(output).not.toContain('secret-of-a-customer');
  const answer = { code: child.exitCode, output: output.replaceAll(/\s+/g, ' ') };
  recordAnswer(words.join(' '), { exit: `exit_${answer.code}`, output: answer.output });
  return answer;
}

const journal = (): string => join(directory, 'dbconn.sqlite');

async function propose(): Promise<string> {
  const { output } = await dbconn('propose', 'A');
  const [, id = ''] = /Recorded as request (\w+)/.exec(output) ?? [];
  return id;
}

test('a dry run shows the whole plan and records nothing', async () => {
  const { code, output } = await dbconn('propose', 'A', '--dry-run');
  expect(output).toContain('Option A for orders: End 1 session idle in transaction');
  expect(output).toContain('backend');
  expect(output).toContain('A dry run: nothing was recorded.');
  expect(code).toBe(0);
  expect(existsSync(journal())).toBe(false);
});

test('a preview is a dry run, with a threshold of one’s own', async () => {
  const { code, output } = await dbconn('preview', 'A', '--over', '900h');
  expect(output).toContain('No session is');
  expect(code).toBe(3);
  const shown = await dbconn('preview', 'A', '--over', '1s');
  expect(shown.output).toContain('Option A for orders: End 1 session');
  expect(shown.output).toContain('nothing was recorded');
  expect(existsSync(journal())).toBe(false);
});

test('doctor says which options can be approved, and by whom not', async () => {
  const { output } = await dbconn('doctor');
  expect(output).toContain('Option A can run');
  expect(output).toContain('Option C cannot run: it needs 1 approver and has 0');
  expect(output).toContain(
    'Escalations to the database admins cannot be delivered. Fix: Set contacts, slack.channel or',
  );
  expect(existsSync(journal())).toBe(false);
});

test('what is proposed is listed', async () => {
  expect((await dbconn('requests')).output).toContain('No request is open');
  const id = await propose();
  const { code, output } = await dbconn('requests');
  expect(output).toContain(`${id} proposed 0/2`);
  expect(output).toContain('option A for orders: End 1 session');
  expect(code).toBe(0);
});

test('breaking the glass is for those the configuration names, needs a reason, and tells each step', async () => {
  const id = await propose();
  const alone = ['approve', id, '--break-glass', '--reason', 'nobody answers'];
  const refused = await dbconn(...alone);
  expect(refused.output).toContain('break');
  expect(refused.code).toBe(3);
  const allowed = `
  verifyAfter: 1s
  breakGlass: { terminal: [${userInfo().username}], actions: [A] }
slack: { channel: C0DATABASE }
`;
  await writeFile(
    join(directory, 'dbconn.yml'),
    `${configuration('approve: [U0JONAS, U0DANA]').trimEnd()}${allowed}`,
  );
  const again = await propose();
  expect((await dbconn('approve', again, '--break-glass')).output).toContain('needs a reason');
  const { code, output } = await dbconn('approve', again, '--break-glass', '--reason', 'alone');
  expect(output).toMatch(/✓ .*1 ended/);
  expect(code).toBe(0);
  expect(await sessions(`application_name = 'backend'`)).toBe(0);
  await forget();
});

test('a proposal is recorded, and says that it waits for Slack', async () => {
  const { code, output } = await dbconn('propose', 'A');
  expect(output).toContain('It waits for 2 approvers in Slack until');
  expect(code).toBe(0);
  expect(await dbconn('journal', 'verify')).toMatchObject({ code: 0 });
  expect(await sessions(`application_name = 'backend'`)).toBe(1);
});

test('a vote from the terminal does not count, whoever gives it', async () => {
  const { code, output } = await dbconn('approve', await propose());
  expect(output).toContain('Approvals count only in Slack');
  expect(output).toContain('Ask U0JONAS or U0DANA to approve it in Slack.');
  expect(code).toBe(3);
});

test('a no from the terminal does', async () => {
  const id = await propose();
  expect(await dbconn('deny', id, 'not', 'now')).toMatchObject({ code: 0 });
  const again = await dbconn('deny', id);
  expect(again.output).toContain('This was denied at the terminal.');
  expect(again.code).toBe(3);
});

test('the terminal stops all changes and cannot let them go on', async () => {
  const stopped = await dbconn('stop', 'it', 'hurts');
  expect(stopped.output).toContain('All changes are stopped by somebody at the terminal');
  expect(stopped.code).toBe(0);
  const go = await dbconn('go');
  expect(go.output).toContain('Only an approver in Slack');
  expect(go.code).toBe(3);
});

test('with nobody to approve it a proposal is refused with whom to name', async () => {
  await writeFile(join(directory, 'dbconn.yml'), configuration(''));
  const { code, output } = await dbconn('propose', 'A');
  expect(output).toContain('Add approvers in dbconn.yml: approval.A.approve.');
  expect(code).toBe(3);
});

test('a service that nobody configured is no plan for a person either', async () => {
  const { code, output } = await dbconn('propose', 'C', 'backend', '--dry-run');
  expect(output).toContain('No configured service has that name');
  expect(code).toBe(3);
});

test('what somebody ran by hand is said for a request that was handed over, and for no other', async () => {
  const id = await propose();
  for (const word of ['commands', 'ran']) {
    const { code, output } = await dbconn(word, id);
    expect(output).toContain('dbconn runs this itself, so there is nothing to run by hand');
    expect(code).toBe(3);
  }
});

test('a call for help names whom to call by hand', async () => {
  const { output } = await dbconn('escalate', 'it fills again');
  expect(output).toContain('goes through Slack');
  expect(output).toContain('databaseAdmins S0DBA');
});

test('a journal that was changed is found out, and one that is not there is not made', async () => {
  expect(await dbconn('journal', 'verify')).toMatchObject({ code: 3 });
  expect(existsSync(journal())).toBe(false);
  await propose();
  const file = new DatabaseSync(journal());
  file.exec('DROP TRIGGER entries_stay');
  file.exec(`UPDATE entries SET body = replace(body, 'backend', 'forgery') WHERE seq = 1`);
  file.close();
  const { code, output } = await dbconn('journal', 'verify');
  expect(output).toContain('Entry 1: It was changed after it was written.');
  expect(code).toBe(2);
});

test('a folder where no journal can be is said in a sentence', async () => {
  const text = await readFile(join(directory, 'dbconn.yml'), 'utf8');
  await writeFile(join(directory, 'dbconn.yml'), `${text}journal: /nowhere/journal.sqlite\n`);
  const { code, output } = await dbconn('propose', 'A');
  expect(output).toBe(
    'The journal cannot be opened (ENOENT). Check that its folder exists and that dbconn may write there. The journal is /nowhere/journal.sqlite, from journal in dbconn.yml. ',
  );
  expect(code).toBe(3);
});
