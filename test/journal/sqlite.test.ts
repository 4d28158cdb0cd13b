import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  openSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { JournalUnavailable } from '../../src/runbook/approvals/journal.ts';
import { advance } from '../../src/runbook/approvals/request.ts';
import type { ApprovalRequest } from '../../src/runbook/approvals/request.ts';
import { toDraft } from '../../src/runbook/incidents/incident-log.ts';
import { bob, buildRequest } from '../runbook/approvals/builders.ts';
import { buildIncident } from './build-incident.ts';
import { makeJournalFolder } from './temporary-journal.ts';
import type { JournalFolder } from './temporary-journal.ts';

let folder: JournalFolder;
beforeEach(() => {
  folder = makeJournalFolder();
});
afterEach(() => folder.close());

const proposed = { kind: 'proposed', body: {} };

async function proposeIn(journal: Awaited<ReturnType<JournalFolder['open']>>, id = 'r1') {
  const request = await buildRequest({ id });
  await journal.create(request, { ...proposed, request: id });
  return request;
}

function approve(request: ApprovalRequest): ApprovalRequest {
  return advance(request, 'approved', { votes: [{ by: bob, at: '', reason: null }] });
}

test.for([
  ['the body of an entry', '"step":"end pid 101"', '"step":"end pid 102"'],
  ['the kind of an entry', 'step-intended', 'step-imagined'],
  ['a stored request', '"hasWritten":false', '"hasWritten":true '],
] as const)('a changed byte in %s is found', async ([, from, to]) => {
  const journal = await folder.open();
  await proposeIn(journal);
  await journal.record({ request: 'r1', kind: 'step-intended', body: { step: 'end pid 101' } });
  await journal.close();
  const bytes = readFileSync(folder.file, 'latin1');
  expect(bytes).toContain(from);
  writeFileSync(folder.file, bytes.replaceAll(from, to), 'latin1');
  const again = await folder.open();
  expect(await again.verify()).toMatchObject({ ok: false });
});

test('a full journal refuses, and what it holds stays whole', async () => {
  const journal = await folder.open({ maxBytes: 120_000 });
  await proposeIn(journal);
  const fill = async (): Promise<void> => {
    for (;;) await journal.record({ kind: 'note', body: { text: 'x'.repeat(3000) } });
  };
  await expect(fill()).rejects.toThrow(/^The journal is full/);
  const next = approve(await buildRequest());
  const draft = { request: 'r1', kind: 'vote', body: { text: 'x'.repeat(9000) } };
  await expect(journal.move(1, next, draft)).rejects.toBeInstanceOf(JournalUnavailable);
  expect(await journal.read('r1')).toMatchObject({ state: 'proposed', version: 1 });
  expect(await journal.verify()).toMatchObject({ ok: true });
});

test('a locked journal is waited for, and then refuses', async () => {
  const journal = await folder.open({ lockWaitMs: 200 });
  const patient = await folder.open({ lockWaitMs: 20_000 });
  const other = new DatabaseSync(folder.file);
  other.exec('BEGIN IMMEDIATE');
  await expect(journal.record({ kind: 'note', body: {} })).rejects.toThrow(/locked by another/);
  const waiting = patient.record({ kind: 'note', body: {} });
  other.exec('COMMIT');
  other.close();
  await waiting;
  expect(await journal.head()).toMatchObject({ seq: 1 });
});

const ofTruth = ['entries_that_propose', 'entries_in_turn', 'entries_of_stop'];
const toVersion5 = ['DROP TABLE clock', 'PRAGMA user_version = 5'];
const toVersion3 = [
  ...toVersion5,
  ...ofTruth.map((name) => `DROP INDEX ${name}`),
  'ALTER TABLE leases DROP COLUMN boot',
  'DROP TABLE heard',
  'PRAGMA user_version = 3',
];
const toVersion2 = [...toVersion3, 'DROP INDEX requests_of_target', 'DROP TABLE incidents'];

test.for([
  ['1', [...toVersion2, 'DROP TABLE leases', 'PRAGMA user_version = 1']],
  ['2', [...toVersion2, 'PRAGMA user_version = 2']],
  ['3', toVersion3],
  ['5', toVersion5],
] as const)(
  'a file of version %s gets what it lacks, and keeps what it holds',
  async ([, back]) => {
    const journal = await folder.open();
    await proposeIn(journal);
    await journal.close();
    tamper(...back);
    const again = await folder.open();
    expect(await again.verify()).toMatchObject({ ok: true, entries: 1 });
    await again.renew({ id: 'holder', forMs: 1000 });
    const incident = buildIncident();
    const opened = toDraft(incident.id, { kind: 'incident-opened', sentence: null });
    expect(await again.openIncident(incident, opened)).toBe('opened');
    await again.close();
    expect(await (await folder.open()).verify()).toMatchObject({ ok: true, entries: 2 });
  },
);

test('a journal of a later dbconn, a file that is none, and a missing folder are refused with what to do', async () => {
  await (await folder.open()).close();
  tamper('PRAGMA user_version = 99');
  await expect(folder.open()).rejects.toThrow(/schema version 99.*name another file/);
  const text = `${folder.file}.txt`;
  writeFileSync(text, 'This is a letter, and no database at all. '.repeat(40));
  await expect(folder.open({ file: text })).rejects.toThrow(/not a journal/);
  const nowhere = `${folder.file}/nowhere/journal.sqlite`;
  await expect(folder.open({ file: nowhere })).rejects.toThrow(/its folder exists/);
});

test('what was held before the machine started anew is held no more', async () => {
  const journal = await folder.open();
  const approved = approve(await proposeIn(journal));
  const holder = { id: 'ours', forMs: 60_000 };
  await journal.move(1, approved, { request: 'r1', kind: 'vote', body: {}, holder });
  expect(await journal.acquire('r1', { ...holder, id: 'theirs' })).toBe(false);
  tamper("UPDATE leases SET boot = 'the one before'");
  expect(await journal.acquire('r1', { ...holder, id: 'theirs' })).toBe(true);
});

test('only its owner can read the file', async () => {
  await folder.open();
  expect(statSync(folder.file).mode & 0o077).toBe(0);
});

test('a file that everybody could write is its owner’s alone after the start, and that is said', async () => {
  const journal = await folder.open();
  await proposeIn(journal);
  const files = [folder.file, `${folder.file}-wal`];
  for (const file of files) chmodSync(file, 0o666);
  const warned: string[] = [];
  await folder.open({ warn: (sentence) => void warned.push(sentence) });
  expect(files.map((file) => statSync(file).mode & 0o777)).toEqual([0o600, 0o600]);
  expect(warned).toHaveLength(2);
  expect(warned[0]).toMatch(/mode 0666\); now only its owner has\.$/);
});

test.for(['', '-wal', '-journal'])('a named pipe as journal%s is refused at once', async (name) => {
  execFileSync('mkfifo', [`${folder.file}${name}`]);
  await expect(folder.open()).rejects.toThrow(/is not a regular file\. Name a file/);
});

test('a damaged page is said at the start, before anybody needs it', async () => {
  const journal = await folder.open();
  for (let index = 0; index < 200; index += 1) {
    await journal.record({ kind: 'note', body: { text: 'x'.repeat(400) } });
  }
  await journal.close();
  const file = openSync(folder.file, 'r+');
  writeSync(file, Buffer.alloc(4096, 0xff), 0, 4096, 4096 * 15);
  closeSync(file);
  const damaged = await folder.open();
  expect(await damaged.findUntrue()).toMatchObject([
    { target: null, problem: expect.stringMatching(/^The journal’s file is damaged/) as unknown },
  ]);
});

function tamper(...statements: readonly string[]): void {
  const database = new DatabaseSync(folder.file, { timeout: 5000 });
  try {
    for (const statement of statements) database.exec(statement);
  } finally {
    database.close();
  }
}
