import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Client } from 'pg';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { toText } from '../../sandbox/message-text.ts';
import { actionIds } from '../../src/slack/messages/kit/action-ids.ts';
import { until } from '../support/until.ts';
import { commandsOn, openByHandStage } from './support/by-hand-stage.ts';
import type { ByHandStage } from './support/by-hand-stage.ts';
import { ask, card, jonas, maya, press, threadWith } from './support/conversation.ts';
import type { Conversation } from './support/conversation.ts';
import { runSql } from '../support/sql.ts';
import { openClient } from '../support/sql.ts';

/** A name that runs something else in a shell that is not told to leave it alone. */
const hostileName = `it's $(touch "x") \`id\` \\`;

let scene: ByHandStage;
beforeAll(async () => {
  scene = await openByHandStage(12);
});
afterEach(() => scene.tidy());
afterAll(() => scene.close());

const actionId = actionIds.ranByHand;

test('who says that they ran it and did not is told that nothing changed', async () => {
  const { stage, ts } = await scene.handRestart();
  await press(stage, { user: jonas, ts, actionId });
  const ended = await card(stage, 'No change');
  expect(toText(ended)).toContain('1 not reached');
  expect(toText(ended)).toContain('a process was not restarted');
});

test('option A without an acting role: the statement ends exactly what was approved', async () => {
  scene.runtime = { kind: 'other' };
  const forgotten = await forget(hostileName);
  const { stage, bot } = await scene.open();
  const first = await handA(stage);
  const sql = await runInShell(first.command);
  // A session that worked since is another one.
  await forgotten.query('SELECT 1');
  expect(await runSql(scene.patient.urls.rescue, sql)).toHaveLength(0);
  await press(stage, { user: jonas, ts: first.ts, actionId });
  await card(stage, 'No change');
  await untilOld();
  const second = await handA(stage);
  expect(await runSql(scene.patient.urls.rescue, await runInShell(second.command))).toHaveLength(1);
  await expect(forgotten.query('SELECT 1')).rejects.toThrow(/terminat|not queryable/);
  await press(stage, { user: jonas, ts: second.ts, actionId });
  await threadWith(stage, second, 'journal entry');
  expect(toText(await card(stage, 'Fixed'))).toContain('1 ended');
  expect(await bot.journal.verify()).toMatchObject({ ok: true });
});

async function handA(stage: Conversation): Promise<{ ts: string; command: string }> {
  await ask(stage, maya, 'propose A');
  const { ts } = await card(stage, 'Proposed, option A');
  await press(stage, { user: jonas, ts });
  const [command = ''] = commandsOn(await card(stage, 'Approved to run by hand'));
  return { ts, command };
}

/** A session that keeps a transaction open, for long enough. */
async function forget(application: string): Promise<Client> {
  const connectionString = scene.patient.cluster.url('app', 'shop');
  const client = await openClient(connectionString, application); // it is ended by option A
  await client.query('BEGIN');
  await client.query('SELECT 1');
  await untilOld();
  return client;
}

function untilOld(): Promise<void> {
  const ms = scene.patient.limits.terminateIdleInTransactionMs;
  const young = `SELECT FROM pg_stat_activity WHERE state = 'idle in transaction'
    AND now() - state_change < interval '${ms} ms'`;
  return until(
    'the transaction is old enough',
    async () => (await runSql(scene.patient.urls.rescue, young)).length === 0,
  );
}

/** Runs a command in a real shell, with a psql that keeps what it is given. */
async function runInShell(command: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'dbconn-by-hand-'));
  try {
    await writeFile(join(folder, 'psql'), `#!/bin/sh\ncat > ${join(folder, 'given')}\n`);
    await chmod(join(folder, 'psql'), 0o755);
    const env = { PATH: `${folder}:/usr/bin:/bin` };
    await promisify(execFile)('/bin/sh', ['-c', command], { cwd: folder, env });
    return await readFile(join(folder, 'given'), 'utf8');
  } finally {
    await rm(folder, { recursive: true });
  }
}
