import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readConfigFiles, watchFiles } from '../../src/config/watch-files.ts';
import { patienceMs } from '../support/until.ts';

let folder = '';
const stops: (() => void)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dbconn-watch-'));
});
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
  rmSync(folder, { recursive: true });
});

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** How often what watches this file said that something changed. */
function watch(file: string, environment: Readonly<Record<string, string>> = {}): () => number {
  let calls = 0;
  const list = (): readonly string[] => readConfigFiles({ DBCONN_CONFIG: file, ...environment });
  stops.push(
    watchFiles(list, () => {
      calls += 1;
    }),
  );
  return () => calls;
}

test('the files of a configuration are dbconn.yml and every secret that it or the environment names', () => {
  const file = write('dbconn.yml', 'a: ${file:/run/secrets/a}\nb: x-${file:/run/b}-${NAME:-c}\n');
  const environment = { DBCONN_CONFIG: file, SLACK_BOT_TOKEN_FILE: '/run/token', HOME: '/root' };
  expect(readConfigFiles(environment)).toEqual([file, '/run/secrets/a', '/run/b', '/run/token']);
});

test('every way in which a file is changed is seen, and each once', async () => {
  const inPlace = write('in-place.yml', 'a: 1\n');
  const renamed = write('renamed.yml', 'a: 1\n');
  const removed = write('removed.yml', 'a: 1\n');
  const untouched = write('untouched.yml', 'a: 1\n');
  // As Kubernetes mounts a ConfigMap: the name leads through a link that is replaced.
  for (const version of ['one', 'two']) {
    mkdirSync(join(folder, version));
    write(`${version}/dbconn.yml`, 'a: 1\n');
  }
  symlinkSync('one', join(folder, '..data'));
  symlinkSync('..data/dbconn.yml', join(folder, 'mounted.yml'));
  const secret = write('secret', 'one');
  const naming = write('naming.yml', `a: \${file:${secret}}\n`);
  const token = write('token', 'one');
  const seen = {
    inPlace: watch(inPlace),
    renamed: watch(renamed),
    removed: watch(removed),
    mounted: watch(join(folder, 'mounted.yml')),
    secret: watch(naming),
    token: watch(untouched, { SLACK_BOT_TOKEN_FILE: token }),
  };
  const untouchedSeen = watch(untouched);
  writeFileSync(inPlace, 'a: 2\n');
  renameSync(write('renamed.yml.new', 'a: 1\n'), renamed);
  rmSync(removed);
  symlinkSync('two', join(folder, '..data_tmp'));
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
  writeFileSync(secret, 'two');
  writeFileSync(token, 'two');
  const once = Object.fromEntries(Object.keys(seen).map((name) => [name, 1]));
  const counts = (): unknown =>
    Object.fromEntries(Object.entries(seen).map(([name, count]) => [name, count()]));
  await expect.poll(counts, { timeout: patienceMs }).toEqual(once);
  // A later change is seen too, and the first ones are not told again.
  write('removed.yml', 'a: 1\n');
  await expect.poll(() => seen.removed(), { timeout: patienceMs }).toBe(2);
  expect(counts()).toEqual({ ...once, removed: 2 });
  expect(untouchedSeen()).toBe(0);
});

test('a file that is still being written is left alone until it is whole', async () => {
  const file = write('dbconn.yml', 'a: 1\n');
  const seen = watch(file);
  const marker = write('marker.yml', 'a: 1\n');
  const markerSeen = watch(marker);
  let number = 0;
  const writing = setInterval(() => writeFileSync(file, `a: ${(number += 1)}\n`), 200);
  try {
    writeFileSync(marker, 'a: 2\n');
    await expect.poll(markerSeen, { timeout: patienceMs }).toBe(1);
    expect(seen()).toBe(0);
  } finally {
    clearInterval(writing);
  }
  await expect.poll(seen, { timeout: patienceMs }).toBe(1);
});

test('a pipe in place of dbconn.yml is not waited for', () => {
  const file = join(folder, 'dbconn.yml');
  execFileSync('mkfifo', [file]);
  expect(readConfigFiles({ DBCONN_CONFIG: file })).toEqual([file]);
});
