import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readTar, writeTar } from '../../src/docker/container-files.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dbconn-tar-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = {
  name: 'postgresql.auto.conf',
  mode: 0o600,
  uid: 999,
  gid: 998,
  modifiedAt: 1_764_000_000,
  bytes: Buffer.from("max_connections = '200'\n"),
};

test('what is written is what tar reads, with owner, mode and time', () => {
  writeFileSync(join(folder, 'made.tar'), writeTar(file));
  const listed = execFileSync('tar', ['-tvf', 'made.tar', '--numeric-owner', '--utc'], {
    cwd: folder,
    encoding: 'utf8',
  });
  expect(listed).toMatch(/^-rw------- 999\/998 +24 2025-11-24 \d\d:\d\d postgresql\.auto\.conf$/m);
  const content = execFileSync('tar', ['-xOf', 'made.tar'], { cwd: folder, encoding: 'utf8' });
  expect(content).toBe(file.bytes.toString('utf8'));
});

test.for(['gnu', 'pax', 'ustar'])('what tar writes as %s is read back', (format) => {
  writeFileSync(join(folder, file.name), file.bytes, { mode: 0o640 });
  const flags = ['--format', format, '--owner=999', '--group=998', '-cf', 'made.tar', file.name];
  execFileSync('tar', flags, { cwd: folder });
  const archive = execFileSync('cat', ['made.tar'], { cwd: folder });
  const modifiedAt = Math.floor(statSync(join(folder, file.name)).mtimeMs / 1000);
  expect(readTar(archive)).toEqual({ ...file, mode: 0o640, modifiedAt });
});

test('a file that is cut short, a folder and nothing at all are no file', () => {
  const archive = writeTar({ ...file, bytes: Buffer.alloc(2000, 'x') });
  expect(readTar(archive.subarray(0, 1500))).toBeUndefined();
  execFileSync('tar', ['-cf', 'made.tar', '--exclude=*', '.'], { cwd: folder });
  expect(readTar(execFileSync('cat', ['made.tar'], { cwd: folder }))).toBeUndefined();
  expect(readTar(Buffer.alloc(0))).toBeUndefined();
  expect(readTar(Buffer.from('no archive'.repeat(200)))).toBeUndefined();
});
