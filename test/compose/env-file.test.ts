import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { envEdits as file, planFileEdit } from '../../src/docker/env-file/env-file.ts';
import type { EnvEdit } from '../../src/runbook/remedies/e-resize-pool/ports.ts';

const original = 'PASSWORD=hunter2\nDATABASE_POOL_SIZE=10\nDATABASE_MAX_OVERFLOW=5\n';
const edited = 'PASSWORD=hunter2\nDATABASE_POOL_SIZE=4\nDATABASE_MAX_OVERFLOW=2\n';
const numbers = { DATABASE_POOL_SIZE: 4, DATABASE_MAX_OVERFLOW: 2 };

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'dbconn-env-'));
  path = join(directory, '.env');
});
afterEach(() => rmSync(directory, { recursive: true }));

async function plan(): Promise<EnvEdit> {
  const planned = await planFileEdit(path, numbers);
  if (!planned.ok) throw new Error(planned.problem.summary);
  return planned.value;
}

test('an edit keeps the mode, leaves a copy of the same mode, and nothing of it when it is over', async () => {
  writeFileSync(path, original);
  chmodSync(path, 0o640);
  const edit = await plan();
  expect(readdirSync(directory)).toEqual(['.env']);
  await file.keepCopy(edit);
  await file.writeEdit(edit, numbers);
  expect(readFileSync(path, 'utf8')).toBe(edited);
  expect(readFileSync(edit.copyPath, 'utf8')).toBe(original);
  for (const one of [path, edit.copyPath]) expect(statSync(one).mode & 0o777).toBe(0o640);
  await file.removeCopy(edit);
  await file.removeCopy(edit);
  expect(readdirSync(directory)).toEqual(['.env']);
});

test.skipIf(process.getuid?.() !== 0)(
  'as root it gives file and copy to the owner they had',
  async () => {
    writeFileSync(path, original);
    chownSync(path, 12_345, 23_456);
    const edit = await plan();
    await file.keepCopy(edit);
    await file.writeEdit(edit, numbers);
    for (const one of [path, edit.copyPath]) {
      expect(statSync(one)).toMatchObject({ uid: 12_345, gid: 23_456 });
    }
  },
);

test('what was planned holds hashes and paths, and nothing of the file', async () => {
  writeFileSync(path, original);
  const planned = await planFileEdit(path, numbers);
  expect(planned).toMatchObject({ ok: true, value: { path } });
  expect(JSON.stringify(planned)).not.toContain('hunter2');
});

test('a file that was edited since is neither copied nor written', async () => {
  writeFileSync(path, original);
  const edit = await plan();
  writeFileSync(path, `${original}NEW=1\n`);
  await expect(file.keepCopy(edit)).rejects.toThrow('was edited since');
  await expect(file.writeEdit(edit, numbers)).rejects.toThrow('was edited since');
  expect(readFileSync(path, 'utf8')).toBe(`${original}NEW=1\n`);
  expect(readdirSync(directory)).toEqual(['.env']);
});

test('the old bytes come back; a file that somebody edited meanwhile stays theirs', async () => {
  writeFileSync(path, original);
  const edit = await plan();
  await file.keepCopy(edit);
  await file.writeEdit(edit, numbers);
  expect(await file.putBack(edit)).toBe('old');
  expect(readFileSync(path, 'utf8')).toBe(original);
  expect(await file.putBack(edit)).toBe('old');
  await file.writeEdit(edit, numbers);
  writeFileSync(path, 'MINE=1\n');
  expect(await file.putBack(edit)).toBe('other');
  expect(readFileSync(path, 'utf8')).toBe('MINE=1\n');
});

test('without its copy nothing is put back, and the person is told where to do it', async () => {
  writeFileSync(path, original);
  const edit = await plan();
  await file.writeEdit(edit, numbers);
  await expect(file.putBack(edit)).rejects.toThrow(`put the old numbers into ${path} by hand`);
});

test('where there was no file there is one after, for its owner only, and none again when it is put back', async () => {
  const edit = await plan();
  expect(edit.oldSha256).toBeNull();
  await file.keepCopy(edit);
  await file.writeEdit(edit, numbers);
  expect(readFileSync(path, 'utf8')).toBe('DATABASE_POOL_SIZE=4\nDATABASE_MAX_OVERFLOW=2\n');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(await file.putBack(edit)).toBe('old');
  expect(readdirSync(directory)).toEqual([]);
});

test('a link stays a link, and the file behind it is edited', async () => {
  mkdirSync(join(directory, 'kept'));
  const behind = join(directory, 'kept', 'shop.env');
  writeFileSync(behind, original);
  symlinkSync(behind, path);
  const edit = await plan();
  await file.keepCopy(edit);
  await file.writeEdit(edit, numbers);
  expect(lstatSync(path).isSymbolicLink()).toBe(true);
  expect(readFileSync(behind, 'utf8')).toBe(edited);
  expect(existsSync(edit.copyPath)).toBe(true);
});

test('without the directory, and with more than a settings file, the refusal says what to do', async () => {
  const nowhere = await planFileEdit(join(directory, 'gone', '.env'), numbers);
  expect(nowhere).toMatchObject({ ok: false, problem: { kind: 'missing' } });
  writeFileSync(path, `A=${'x'.repeat(1024 * 1024)}\n`);
  expect(await planFileEdit(path, numbers)).toMatchObject({
    ok: false,
    problem: { kind: 'unsupported' },
  });
  writeFileSync(path, Buffer.from([0x41, 0x3d, 0xff, 0x0a]));
  expect(await planFileEdit(path, numbers)).toMatchObject({
    ok: false,
    problem: { kind: 'unsupported' },
  });
});
