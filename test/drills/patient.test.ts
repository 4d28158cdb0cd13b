import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { toText } from '../../sandbox/message-text.ts';
import { startPatient } from '../support/clusters.ts';
import type { Patient } from '../../sandbox/patient/patient.ts';
import { systemClock } from '../../src/timing.ts';
import { createIdleSessions } from '../../src/postgres/privileged/idle-sessions.ts';
import { createDatabase } from '../../src/postgres/lifeline.ts';
import { createTargetMonitor } from '../../src/runbook/loop/target-monitor.ts';
import type { TargetAdapters } from '../../src/runbook/loop/target-monitor.ts';
import {
  ask,
  card,
  database,
  guest,
  hasButtons,
  jonas,
  maya,
  openConversation,
  press,
  threadWith,
} from './support/conversation.ts';
import type { Conversation } from './support/conversation.ts';
import { patienceMs } from '../support/until.ts';
import { openClient } from '../support/sql.ts';
import { databaseOptions } from '../support/database-options.ts';
import { named } from '../support/people.ts';

/** Options A and C on a real PostgreSQL with real services, ordered, approved and followed in a real Slack conversation. */
const password = 'canary-password-8841';
const literal = 'canary-literal-5502';
const hostileName = '<!channel> *Approve*';

let patient: Patient;
let adapters: TargetAdapters;
let conversation: Conversation | undefined;

beforeAll(async () => {
  patient = await startPatient({ seed: 11 });
  const url = withPassword(patient.urls.dbconn);
  adapters = {
    get target() {
      return { ...patient.target(), contacts: { databaseAdmins: jonas } };
    },
    database: createDatabase(
      databaseOptions(url, { target: patient.target().name, limits: patient.limits }),
    ),
    services: patient.services(),
    pools: patient.pools(),
    privileged: createIdleSessions({ url: withPassword(patient.urls.privileged) }),
    restarts: patient.services(),
  };
  // As the bot does at its start: the connection must be there before the slots are gone.
  await adapters.database.readSnapshot();
});
afterEach(async () => {
  await conversation?.close();
  conversation = undefined;
  await patient.heal();
});
afterAll(async () => {
  await adapters.database.close();
  await patient.close();
});

function withPassword(address: string): string {
  const url = new URL(address);
  url.password = password;
  return url.href;
}

async function open(): Promise<Conversation> {
  conversation = await openConversation({
    targets: {
      targetAdapters: [adapters],
      monitor: createTargetMonitor([adapters], systemClock),
    },
    verifyAfterMs: 500,
  });
  return conversation;
}

/** A session that keeps a transaction open after a statement with something private in it. */
async function forget(): Promise<Client> {
  const client = await openClient(patient.cluster.url('app', 'shop'), hostileName); // it is ended by option A
  await client.query('BEGIN');
  await client.query(`SELECT '${literal}' AS password /* ${literal} */`);
  return client;
}

/** The patient's threshold is a second and a half. */
async function untilOldEnough(): Promise<void> {
  const admin = new Client({ connectionString: patient.urls.rescue });
  await admin.connect();
  const young = `SELECT FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'
    AND now() - state_change < interval '${patient.limits.terminateIdleInTransactionMs} ms'`;
  const count = async (): Promise<number | null> => (await admin.query(young)).rowCount;
  await expect.poll(count, { timeout: patienceMs }).toBe(0);
  await admin.end();
}

test('a leak is ended by option A: proposed, seen by a second person, approved, and gone', async () => {
  await patient.trouble('connection-leak', { leak: 'transaction' });
  const forgotten = await forget();
  await untilOldEnough();
  const stage = await open();
  const bot = await stage.start();
  expect(await ask(stage, maya, 'propose a')).toContain('Proposed: End');
  const shown = await card(stage, 'Proposed');
  expect(toText(shown)).toContain(`Proposed by ${named(maya)}`);
  expect(await press(stage, { user: guest, ts: shown.ts })).toContain('You are not an approver');
  expect(await press(stage, { user: jonas, ts: shown.ts })).toContain('it starts now');
  // PostgreSQL has its slots back, and the pool still counts on what was ended: that takes option C.
  const ended = await card(stage, 'Partly fixed');
  expect(toText(ended)).toMatch(
    /Slots freed, but \w+ still has (\d+) of \1 connections checked out/,
  );
  expect(ended.ts).toBe(shown.ts);
  expect(hasButtons(ended)).toBe(false);
  await threadWith(stage, shown, 'journal entry');
  expect(toText(ended)).toMatch(/Of \d+ sessions: \d+ ended\./);
  await expect(forgotten.query('SELECT 1')).rejects.toThrow(/terminat|not queryable/);
  expect(await bot.journal.verify()).toMatchObject({ ok: true });
  await ask(stage, guest, `stop see postgres://app:${password}@db/shop`);
  await ask(stage, maya, `escalate WHERE token = '${literal}' fails`);
  const told = [
    JSON.stringify(stage.slack.state.channels),
    JSON.stringify(stage.slack.state.ephemerals),
    ...stage.lines,
    JSON.stringify(await bot.journal.entries()),
  ].join('\n');
  expect(told).not.toContain(password);
  expect(told).not.toContain(literal);
});

test('a name out of the database stands on the card as text and calls nobody', async () => {
  const forgotten = await forget();
  await untilOldEnough();
  const stage = await open();
  await stage.start();
  await ask(stage, maya, 'propose A');
  const { blocks, text } = await card(stage, 'Proposed');
  expect(text).not.toContain('!channel');
  const table = blocks?.find(({ type }) => type === 'table');
  expect(JSON.stringify(table)).toContain(hostileName);
  expect(JSON.stringify(blocks?.filter(({ type }) => type !== 'table'))).not.toContain('!channel');
  await forgotten.end();
});

test('a leak is ended by option C: the service is restarted and holds nothing afterwards', async () => {
  await patient.trouble('connection-leak', { leak: 'autocommit' });
  const stage = await open();
  const bot = await stage.start();
  const diagnosis = await createTargetMonitor([adapters], systemClock).diagnose(
    patient.target().name,
  );
  const service = diagnosis.proposals.find(({ option }) => option === 'C')?.subject ?? 'none';
  const pids = patient.fleet.replicasOf(service).map(({ pid }) => pid);
  expect(await ask(stage, maya, `propose C ${service}`)).toContain(`Proposed: Restart ${service}`);
  const { ts } = await card(stage, 'Proposed');
  expect(await press(stage, { user: maya, ts })).toContain('You proposed this');
  expect(await press(stage, { user: jonas, ts })).toContain('it starts now');
  const ended = await card(stage, 'Fixed');
  const thread = await threadWith(stage, ended, 'journal entry');
  for (const { name } of patient.fleet.replicasOf(service)) {
    expect(thread).toContain(`✓ Restart ${name} and wait`);
  }
  const now = patient.fleet.replicasOf(service).map(({ pid }) => pid);
  expect(now.some((pid) => pids.includes(pid))).toBe(false);
  expect(await bot.journal.verify()).toMatchObject({ ok: true });
});

test('what cannot be done is refused with what to do instead', async () => {
  const stage = await open();
  await stage.start();
  expect(await ask(stage, maya, 'propose A')).toContain('No session is idle in transaction');
  expect(await ask(stage, maya, 'propose C postgres')).toContain('does not restart PostgreSQL');
  expect(await ask(stage, maya, 'propose C nowhere')).toContain('Configured services');
  expect(await ask(stage, maya, 'propose B')).toContain('Add approvers in dbconn.yml');
  expect(stage.slack.state.channels.find(({ id }) => id === database)?.messages).toEqual([]);
});
