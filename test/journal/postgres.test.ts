import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { majors } from '../support/breadth.ts';
import { startCluster } from '../support/clusters.ts';
import type { Cluster } from '../../sandbox/patient/cluster.ts';
import { findShared } from '../../src/journal/postgres/other-server.ts';
import { openPostgresJournal } from '../../src/journal/postgres/driver.ts';
import type { StoredJournal } from '../../src/journal/stored-journal.ts';
import { JournalMoved } from '../../src/runbook/approvals/journal.ts';
import { toDraft } from '../../src/runbook/incidents/incident-log.ts';
import { connectByTls } from '../../src/postgres/connect/connect-by-tls.ts';
import { buildRequest } from '../runbook/approvals/builders.ts';
import { buildIncident } from './build-incident.ts';
import { runSql } from '../support/sql.ts';

/** What only a journal on a server can meet. */
let cluster: Cluster;
let other: Cluster;
let databases = 0;
let url: string;
const opened: StoredJournal[] = [];
beforeAll(async () => {
  [cluster, other] = await Promise.all([startCluster(), startCluster({ major: majors[0] ?? 18 })]);
  await runSql(cluster.url(), 'CREATE ROLE nobody LOGIN');
});
afterAll(async () => {
  await Promise.all([cluster, other].map((one) => one.close()));
});
beforeEach(async () => {
  databases += 1;
  await runSql(cluster.url(), `CREATE DATABASE journal_${databases}`);
  url = cluster.url('postgres', `journal_${databases}`);
});
afterEach(async () => {
  for (const journal of opened.splice(0)) await journal.close();
});

async function open(address = url): Promise<StoredJournal> {
  const journal = await openPostgresJournal({ url: address, byTls: connectByTls });
  opened.push(journal);
  return journal;
}

const note = { kind: 'note', body: {} };

test('while its server is down it refuses, and goes on once it is back, without a restart of dbconn', async () => {
  const journal = await open();
  await journal.record(note);
  await cluster.stop('immediate');
  await expect(journal.record(note)).rejects.toThrow(/cannot be reached/);
  await expect(journal.read('r1')).rejects.not.toThrow(cluster.url());
  await cluster.start();
  await journal.record(note);
  expect(await journal.verify()).toMatchObject({ ok: true, entries: 2 });
});

test('a connection that died while nobody used it is opened anew, unnoticed', async () => {
  const journal = await open();
  await journal.record(note);
  const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'dbconn journal'`;
  await runSql(cluster.url(), end);
  await journal.record(note);
  expect(await journal.head()).toMatchObject({ seq: 2 });
});

test('a process that stands still in the middle of a write holds nobody up for long', async () => {
  const journal = await open();
  const frozen = new Client({
    connectionString: url,
    idle_in_transaction_session_timeout: 3000, // as every session of the journal has it
  });
  frozen.on('error', () => undefined);
  await frozen.connect();
  await frozen.query('BEGIN');
  const key = 0x64_62_63_6f_6e_6e;
  await frozen.query('SELECT pg_advisory_xact_lock($1)', [key]);
  await journal.record(note);
  expect(await journal.head()).toMatchObject({ seq: 1 });
  await frozen.end().catch(() => undefined);
});

test('what holds the journal for good is told after 5 s, instead of waiting on', async () => {
  const journal = await open();
  const holder = new Client({ connectionString: url });
  await holder.connect();
  await holder.query('SELECT pg_advisory_lock($1)', [0x64_62_63_6f_6e_6e]);
  await expect(journal.record(note)).rejects.toThrow(/locked by another process/);
  await holder.end();
  await journal.record(note);
  expect(await journal.head()).toMatchObject({ seq: 1 });
});

test('tables that were made anew, and a database that took the name of another, are not its journal', async () => {
  const journal = await open();
  await journal.record(note);
  await runSql(url, 'DROP SCHEMA dbconn CASCADE');
  await expect(journal.record(note)).rejects.toBeInstanceOf(JournalMoved);
  const anew = await open();
  await expect(journal.record(note)).rejects.toBeInstanceOf(JournalMoved);
  await expect(journal.findUntrue()).rejects.toBeInstanceOf(JournalMoved);
  await anew.record(note);
  const name = `journal_${databases}`;
  await runSql(
    cluster.url(),
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`,
    `ALTER DATABASE ${name} RENAME TO ${name}_old`,
    `CREATE DATABASE ${name} TEMPLATE ${name}_old`,
  );
  await expect(anew.record(note)).rejects.toBeInstanceOf(JournalMoved);
});

test('two processes that find it empty make its tables once', async () => {
  const journals = await Promise.all([open(), open(), open()]);
  await Promise.all(journals.map((journal) => journal.record(note)));
  expect(await journals[0]?.verify()).toMatchObject({ ok: true, entries: 3 });
});

test.for<[string, () => string, RegExp]>([
  ['a role without the right to write', () => cluster.url('nobody', 'postgres'), /may not write/],
  ['a database that does not exist', () => cluster.url('postgres', 'gone'), /does not exist/],
  ['a server that is not there', () => 'postgres://app:canary@127.0.0.1:1/x', /cannot be reached/],
])('%s is refused with what to do, and without a secret', async ([, address, words]) => {
  const failure = await open(address()).catch((error: unknown) => error);
  expect(failure).toMatchObject({ name: 'JournalUnavailable' });
  expect(String(failure)).toMatch(words);
  expect(String(failure)).not.toContain('canary');
});

test('a journal of the version before gets what it lacks, while a process of that version still writes', async () => {
  const journal = await open();
  const proposed = await buildRequest({ id: 'r1' });
  await journal.create(proposed, { request: 'r1', kind: 'proposed', body: {} });
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query('DROP TABLE dbconn.incidents');
  await client.query('DROP TABLE dbconn.heard');
  for (const name of [
    'requests_of_target',
    'entries_that_propose',
    'entries_in_turn',
    'entries_of_stop',
  ]) {
    await client.query(`DROP INDEX dbconn.${name}`);
  }
  await client.query('UPDATE dbconn.schema_version SET version = 1');
  await client.end();
  const upgraded = await Promise.all([open(), open()]);
  const late = await buildRequest({ id: 'r2' });
  await journal.create(late, { request: 'r2', kind: 'proposed', body: {} });
  const incident = buildIncident();
  const opened = toDraft(incident.id, { kind: 'incident-opened', sentence: null });
  expect(await upgraded[0].openIncident(incident, opened)).toBe('opened');
  const since = { target: 'shop', since: proposed.proposedAt };
  expect(await upgraded[1].readRequestsSince(since)).toEqual([proposed, late]);
  expect(await upgraded[1].verify()).toMatchObject({ ok: true, entries: 3 });
});

test('a journal of a later dbconn is left alone', async () => {
  await open();
  await runSql(url, 'UPDATE dbconn.schema_version SET version = 99');
  await expect(open()).rejects.toThrow(/schema version 99/);
});

test('nobody’s function stands in for a built-in of the journal', async () => {
  await runSql(
    url,
    `CREATE FUNCTION public.pg_total_relation_size(text) RETURNS bigint LANGUAGE sql AS 'SELECT 2^62::bigint'`,
    'ALTER ROLE postgres SET search_path = public, pg_catalog',
  );
  const journal = await open();
  await journal.record(note);
  await runSql(cluster.url(), 'ALTER ROLE postgres RESET search_path');
  expect(await journal.head()).toMatchObject({ seq: 1 });
});

test('a journal on a target’s server is found by its system identifier, under whatever address', async () => {
  const target = { name: 'shop', url: cluster.url('postgres', 'postgres') };
  const elsewhere = { name: 'orders', url: other.url() };
  expect(await findShared(url, [elsewhere], connectByTls)).toEqual({
    shared: undefined,
    unsure: [],
  });
  const directory = encodeURIComponent(cluster.socketDirectory);
  const socket = `postgres://postgres@localhost:${cluster.port}/postgres?host=${directory}`;
  for (const address of [url, socket, url.replace('127.0.0.1', 'localhost')]) {
    const found = await findShared(address, [elsewhere, target], connectByTls);
    expect(found).toEqual({ shared: 'shop', unsure: [] });
  }
});

test('of a target that cannot be asked, host and port have to do, and that is told', async () => {
  const away = { name: 'away', url: 'postgres://app@127.0.0.1:1/shop' };
  expect(await findShared(url, [away], connectByTls)).toEqual({
    shared: undefined,
    unsure: ['away'],
  });
  const same = { name: 'same', url: `postgres://nobody-knows@localhost:${cluster.port}/gone` };
  expect(await findShared(url, [same], connectByTls)).toMatchObject({ shared: 'same' });
});
