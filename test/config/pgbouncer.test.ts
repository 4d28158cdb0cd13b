import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConfigError } from '../../src/config/environment.ts';
import type { TargetConfig } from '../../src/config/config.ts';
import { readConfig } from '../../src/config/config.ts';

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'dbconn-config-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

function read(pgbouncer: unknown): TargetConfig['pgbouncer'] {
  const path = join(directory, 'dbconn.yml');
  const database = { url: 'postgres://dbconn@db/orders' };
  // JSON is YAML.
  writeFileSync(path, JSON.stringify({ targets: [{ name: 'shop', database, pgbouncer }] }));
  return readConfig({}, path).targets[0]?.pgbouncer;
}

function problemsOf(pgbouncer: unknown): readonly string[] {
  try {
    read(pgbouncer);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

const web = 'postgres://stats:hunter2@web:6432/pgbouncer';
const jobs = 'postgres://stats@jobs:6432/pgbouncer';

test('one console needs no list and no name', () => {
  expect(read({ url: web })).toEqual([{ name: 'PgBouncer', url: web, replicas: 1 }]);
});

test('of several each has a name: its own, or where it is, without its password', () => {
  expect(
    read([
      { url: web, replicas: 6 },
      { url: jobs, name: 'jobs' },
    ]),
  ).toEqual([
    { name: 'PgBouncer web:6432', url: web, replicas: 6 },
    { name: 'jobs', url: jobs, replicas: 1 },
  ]);
});

const wrong: readonly [said: string, given: unknown][] = [
  ['targets.0.pgbouncer.0.url: is not a postgres:// address', { url: 'http://stats:hunter2@web' }],
  ['targets.0.pgbouncer.1.replicas', [{ url: web }, { url: jobs, replicas: 0 }]],
  ['two poolers alike', [{ url: web }, { url: web }]],
];

test.for(wrong)('%s', ([said, given]) => {
  const problems = problemsOf(given);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(said);
  expect(problems[0]).not.toContain('hunter2');
});
