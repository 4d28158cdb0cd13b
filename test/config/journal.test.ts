import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/timing.ts';
import { readConfig } from '../../src/config/config.ts';
import type { Config } from '../../src/config/config.ts';
import { openJournal } from '../../src/app/journal.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'dbconn-journal-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

interface Given {
  readonly inFile?: string;
  readonly inEnvironment?: string;
}

function read({ inFile, inEnvironment }: Given): Config {
  const file = join(directory, 'dbconn.yml');
  const line = inFile === undefined ? '' : `journal: ${inFile}\n`;
  writeFileSync(file, `targets: [{ name: a, database: { url: postgres://me@db/x } }]\n${line}`);
  return readConfig({ DBCONN_JOURNAL: inEnvironment }, file);
}

function chosen(given: Given): readonly string[] {
  const { journal, journalSetting } = read(given);
  return [journal, journalSetting.replace(directory, '')];
}

async function refusal(given: Given): Promise<string> {
  return openJournal(read(given), { clock: systemClock, warn: () => undefined }).then(
    () => 'opened',
    ({ message }: Error) => message.replaceAll(directory, ''),
  );
}

test('the environment wins over the file, and the file over the default', () => {
  const [inFile, inEnvironment] = ['dbconn.sqlite', '/data/dbconn.sqlite'];
  expect(chosen({ inFile, inEnvironment })).toEqual([inEnvironment, 'DBCONN_JOURNAL']);
  expect(chosen({ inEnvironment })).toEqual([inEnvironment, 'DBCONN_JOURNAL']);
  expect(chosen({ inFile, inEnvironment: '' })).toEqual([inFile, 'journal in /dbconn.yml']);
  expect(chosen({ inFile })).toEqual([inFile, 'journal in /dbconn.yml']);
  expect(chosen({})).toEqual(['dbconn.sqlite', 'the default of DBCONN_JOURNAL']);
});

test('a shared journal in the file that the environment would part is a problem, without its password', () => {
  const shared = 'postgres://dbconn:hunter2@journal/dbconn';
  const given = { inFile: shared, inEnvironment: '/data/dbconn.sqlite' };
  expect(() => read(given)).toThrow(/names a shared journal, but DBCONN_JOURNAL wins/);
  expect(() => read(given)).not.toThrow(/hunter2/);
  expect(chosen({ inFile: shared, inEnvironment: shared })[0]).toBe(shared);
});

test('a journal that cannot be opened is named with its path and its setting', async () => {
  const missing = join(directory, 'missing/dbconn.sqlite');
  expect(await refusal({ inFile: missing })).toBe(
    'The journal cannot be opened (ENOENT). Check that its folder exists and that dbconn may write there. The journal is /missing/dbconn.sqlite, from journal in /dbconn.yml.',
  );
  expect(await refusal({ inEnvironment: '/proc/dbconn.sqlite' })).toMatch(
    /^The journal cannot be opened \(E\w+\)\..* The journal is \/proc\/dbconn\.sqlite, from DBCONN_JOURNAL\.$/,
  );
});

test('a folder, a named pipe and another program’s file are refused at once', async () => {
  const folder = join(directory, 'folder');
  mkdirSync(folder);
  const pipe = join(directory, 'pipe');
  execFileSync('mkfifo', [pipe]);
  for (const at of [folder, pipe]) {
    expect(await refusal({ inEnvironment: at })).toMatch(/is not a regular file\. .*from DB/);
  }
  const text = join(directory, 'text');
  writeFileSync(text, 'all but a journal, and longer than the header of one: '.repeat(20));
  expect(await refusal({ inEnvironment: text })).toMatch(/is not a journal\..* \/text, from DB/);
});

test('a relative path is told as the whole one', async () => {
  const setting = 'missing/dbconn.sqlite';
  const whole = `The journal is ${join(process.cwd(), setting)}, from DBCONN_JOURNAL.`;
  expect(await refusal({ inEnvironment: setting })).toContain(whole);
});

test('a configuration that is a folder, as Docker makes where a mounted file is missing, is said', () => {
  const file = join(directory, 'dbconn.yml');
  mkdirSync(file);
  expect(() => readConfig({}, file)).toThrow(/dbconn\.yml cannot be read \(EISDIR\)/);
});

test('a configuration that is a pipe without a writer, or far too large, is refused at once', () => {
  const file = join(directory, 'dbconn.yml');
  execFileSync('mkfifo', [file]);
  expect(() => readConfig({}, file)).toThrow('cannot be read (a pipe)');
  rmSync(file);
  writeFileSync(file, '');
  truncateSync(file, 9 * 1024 * 1024);
  expect(() => readConfig({}, file)).toThrow('cannot be read (larger than 8 MiB)');
});

test('a configuration that a shell hands over in a pipe is read', () => {
  const text = 'targets: [{ name: a, database: { url: postgres://me@db/x } }]';
  const check = `echo '${text}' | '${process.execPath}' src/cli.ts config check /dev/stdin`;
  expect(execFileSync('bash', ['-c', check], { encoding: 'utf8' })).toContain('is valid: 1 target');
});
