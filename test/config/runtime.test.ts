import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ConfigError } from '../../src/config/environment.ts';
import { readConfig } from '../../src/config/config.ts';
import type { Target } from '../../src/runbook/snapshot/target.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'dbconn-runtime-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function read(runtime: string): Target['runtime'] | string | undefined {
  const path = join(directory, 'dbconn.yml');
  const target = `targets: [{ name: a, database: { url: postgres://me@db/x }, runtime: ${runtime} }]`;
  writeFileSync(path, target);
  try {
    return readConfig({}, path).targets[0]?.target.runtime;
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.join('\n');
    throw error;
  }
}

test('how a target is run is a word, or the word with the names of its place', () => {
  expect(read('kubernetes')).toEqual({ kind: 'kubernetes' });
  const named = { kind: 'rds', server: 'orders-prod', parameterGroup: 'orders-18' };
  expect(read('{ kind: rds, server: orders-prod, parameterGroup: orders-18 }')).toEqual(named);
});

test.for([
  ['swarm', 'is one of compose, kubernetes, systemd, rds, cloudsql, azure, other'],
  ['{ kind: rds, server: "-rf" }', 'is a name of letters'],
  ['{ kind: rds, server: "a b; rm" }', 'is a name of letters'],
] as const)('%s is refused', ([runtime, why]) => {
  expect(read(runtime)).toContain(why);
});
