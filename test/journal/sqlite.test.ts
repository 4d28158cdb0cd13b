import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { hashEntry } from '../../src/journal/chain.ts';
import { JournalUnavailable } from '../../src/runbook/approval/journal-unavailable.ts';
import { advance } from '../../src/runbook/approval/request.ts';
import type { Request } from '../../src/runbook/approval/request.ts';
import { buildRequest } from '../runbook/approval/builders.ts';
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

function approve(request: Request): Request {
  return advance(request, 'approved', {});
}

test('a request is read as it was written, by another process of the same file too', async () => {
  const request = await proposeIn(await folder.open());
  const other = await folder.open();
  expect(await other.read('r1')).toEqual(request);
  expect(await other.read('r2')).toBeUndefined();
  expect(await other.list(['proposed'])).toEqual([request]);
  expect(await other.list(['approved', 'done'])).toEqual([]);
});

test('a change is made once from each version, and leaves no entry when it was too late', async () => {
  const journal = await folder.open();
  const request = await proposeIn(journal);
  const next = approve(request);
  expect(await journal.move(1, next, { request: 'r1', kind: 'vote', body: {} })).toBe('moved');
  const before = await journal.head();
  expect(await journal.move(1, next, { request: 'r1', kind: 'vote', body: {} })).toBe('changed');
  expect(await journal.head()).toEqual(before);
  expect(await journal.read('r1')).toEqual(next);
});

test('of two processes that approve the same request at once exactly one is first', async () => {
  const journal = await folder.open();
  const ids = Array.from({ length: 40 }, (_, index) => `r${index}`);
  for (const id of ids) await proposeIn(journal, id);
  const racers = await Promise.all(['UANN', 'UBOB', 'UCEM'].map((name) => startRacer(name)));
  const results = await Promise.all(racers.map((racer) => racer.race(ids)));
  for (const [index, id] of ids.entries()) {
    const answers = results.map((lines) => String(lines[index])).toSorted();
    expect(answers).toEqual([`${id} changed`, `${id} changed`, `${id} moved`]);
  }
  expect(await journal.verify()).toMatchObject({ ok: true, entries: ids.length * 2 });
});

test('only one request at a time executes on a target', async () => {
  const journal = await folder.open();
  const [first, second] = [await proposeIn(journal, 'r1'), await proposeIn(journal, 'r2')];
  const run = async (request: Request): Promise<string> => {
    const approved = approve(request);
    await journal.move(request.version, approved, { request: request.id, kind: 'vote', body: {} });
    const executing = advance(approved, 'executing', {});
    return journal.move(2, executing, { request: request.id, kind: 'executing', body: {} });
  };
  expect(await run(first)).toBe('moved');
  expect(await run(second)).toBe('busy');
  const executing = await journal.read('r1');
  const done = advance(executing ?? first, 'done', {});
  await journal.move(3, done, { request: 'r1', kind: 'done', body: {} });
  const again = advance(approve(second), 'executing', {});
  expect(await journal.move(2, again, { request: 'r2', kind: 'executing', body: {} })).toBe(
    'moved',
  );
});

test('the chain verifies, and its head is what was kept elsewhere', async () => {
  const journal = await folder.open();
  await proposeIn(journal);
  const anchor = await journal.head();
  await journal.record({ request: 'r1', kind: 'step-intended', body: { step: 'end pid 101' } });
  expect(await journal.verify(anchor)).toMatchObject({ ok: true, entries: 2 });
  const kinds = (await journal.entries('r1')).map(({ kind }) => kind);
  expect(kinds).toEqual(['proposed', 'step-intended']);
});

test.for([
  ['the body of an entry', '"step":"end pid 101"', '"step":"end pid 102"'],
  ['the kind of an entry', 'step-intended', 'step-imagined'],
  ['a stored request', '"hasWritten":false', '"hasWritten":true '],
] as const)('a changed byte in %s is found', async ([, from, to]) => {
  const journal = await folder.open();
  await proposeIn(journal);
  await journal.record({ request: 'r1', kind: 'step-intended', body: { step: 'end pid 101' } });
  journal.close();
  const bytes = readFileSync(folder.file, 'latin1');
  expect(bytes).toContain(from);
  writeFileSync(folder.file, bytes.replaceAll(from, to), 'latin1');
  const again = await folder.open();
  expect(await again.verify()).toMatchObject({ ok: false });
});

test.for([
  ['an entry that was rewritten', 'UPDATE entries SET kind = kind || 1 WHERE seq = 2'],
  ['an entry that was taken out', 'DELETE FROM entries WHERE seq = 2'],
  ['a request that was taken out', 'DELETE FROM requests'],
  ['an emergency stop that was lifted by hand', 'DELETE FROM stop'],
] as const)('%s is found', async ([, statement]) => {
  const journal = await folder.open();
  await proposeIn(journal);
  await journal.record({ kind: 'note', body: {} });
  const stop = { by: '<@UANN>', at: '2026-11-23T03:00:00.000Z', reason: '' };
  await journal.writeStop(stop, { kind: 'stopped', body: {} });
  expect(await journal.verify()).toMatchObject({ ok: true });
  tamper('DROP TRIGGER entries_stay', 'DROP TRIGGER entries_are_kept', statement);
  expect(await journal.verify()).toMatchObject({ ok: false });
});

test('an entry that was rewritten together with its own hash is found by the next one', async () => {
  const journal = await folder.open();
  await journal.record({ kind: 'note', body: { pid: 101 } });
  await journal.record({ kind: 'note', body: {} });
  const [first] = await journal.entries();
  if (first === undefined) throw new Error('no entry');
  const body = '{"pid":102}';
  const hash = hashEntry({ ...first, body });
  const rewrite = `UPDATE entries SET body = '${body}', hash = '${hash}' WHERE seq = 1`;
  tamper('DROP TRIGGER entries_stay', rewrite);
  expect(await journal.verify()).toMatchObject({ ok: false, seq: 2 });
});

test('entries cut off at the end are found by a head kept elsewhere', async () => {
  const journal = await folder.open();
  await journal.record({ kind: 'note', body: { n: 1 } });
  await journal.record({ kind: 'note', body: { n: 2 } });
  const anchor = await journal.head();
  tamper('DROP TRIGGER entries_are_kept', 'DELETE FROM entries WHERE seq = 2');
  expect(await journal.verify()).toMatchObject({ ok: true });
  expect(await journal.verify(anchor)).toMatchObject({ ok: false });
});

test('entries can be neither changed nor deleted by a statement', async () => {
  const journal = await folder.open();
  await journal.record({ kind: 'note', body: {} });
  expect(() => tamper("UPDATE entries SET kind = 'x'")).toThrow('append-only');
  expect(() => tamper('DELETE FROM entries')).toThrow('append-only');
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

test('an emergency stop is seen by every process, until it is lifted', async () => {
  const [journal, other] = [await folder.open(), await folder.open()];
  const stop = { by: '<@UANN>', at: '2026-11-23T03:00:00.000Z', reason: 'wrong sessions' };
  await journal.writeStop(stop, { kind: 'stopped', body: {} });
  expect(await other.readStop()).toEqual(stop);
  await other.writeStop(undefined, { kind: 'go', body: {} });
  expect(await journal.readStop()).toBeUndefined();
});

test('a journal of a later dbconn, a file that is none, and a missing folder are refused with what to do', async () => {
  (await folder.open()).close();
  tamper('PRAGMA user_version = 99');
  await expect(folder.open()).rejects.toThrow(/schema version 99.*name another file/);
  const text = `${folder.file}.txt`;
  writeFileSync(text, 'This is a letter, and no database at all. '.repeat(40));
  await expect(folder.open({ file: text })).rejects.toThrow(/not a journal/);
  const nowhere = `${folder.file}/nowhere/journal.sqlite`;
  await expect(folder.open({ file: nowhere })).rejects.toThrow(/its folder exists/);
});

test('only its owner can read the file', async () => {
  await folder.open();
  expect(statSync(folder.file).mode & 0o077).toBe(0);
});

function tamper(...statements: readonly string[]): void {
  const database = new DatabaseSync(folder.file, { timeout: 5000 });
  try {
    for (const statement of statements) database.exec(statement);
  } finally {
    database.close();
  }
}

interface Racer {
  race(ids: readonly string[]): Promise<string[]>;
}

async function startRacer(name: string): Promise<Racer> {
  const script = fileURLToPath(new URL('race-for-request.ts', import.meta.url));
  const child: ChildProcess = spawn(process.execPath, [script, folder.file, name], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  if (child.stdout === null || child.stdin === null) throw new Error('no pipes');
  const { stdin } = child;
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  await lines.next();
  return {
    async race(ids) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      stdin.end(`${ids.join('\n')}\n`);
      const answers: string[] = [];
      for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
        answers.push(line.value);
      }
      await ended;
      return answers;
    },
  };
}
