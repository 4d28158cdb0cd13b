import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { toEnvProblem } from '../../src/docker/env-file/replace-file.ts';
import { createPoolSettings } from '../../src/docker/recreate/resize-pools.ts';
import { inspected, json, startFakeEngine } from './fake-engine.ts';

/** What cannot be done with a file is said of that file: an `env_file` is not the project's `.env`. */
let directory: string;
beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'dbconn-names-')));
});
afterEach(() => rmSync(directory, { recursive: true }));

const to = { poolSize: 4, maxOverflow: 2 };
const before = 'DATABASE_POOL_SIZE=5\nDATABASE_MAX_OVERFLOW=5\n';

/** Why a service's numbers are not written, where they come from this file and there is a `.env` beside it. */
async function refusal(name: string, bytes: Buffer | string): Promise<string> {
  writeFileSync(join(directory, 'compose.yml'), `services: {web: {image: x, env_file: ${name}}}\n`);
  writeFileSync(join(directory, '.env'), before);
  writeFileSync(join(directory, name), bytes);
  const Labels = {
    'com.docker.compose.project.working_dir': directory,
    'com.docker.compose.project.config_files': join(directory, 'compose.yml'),
  };
  const Config = { Image: 'x', Env: before.trim().split('\n'), Labels };
  const details = { Image: 'sha256:1', HostConfig: { NetworkMode: 'default' }, Mounts: [] };
  const container = inspected({}, { Id: 'w'.repeat(64), ...details, Config });
  await using engine = await startFakeEngine({
    '/containers/w.*/json': json(200, container),
    '/containers/': json(404, { message: 'No such container' }),
  });
  const settings = createPoolSettings({ docker: engine.docker, services: [], directory });
  const ids = ['w'.repeat(64)];
  const planned = await settings.planEdit({ service: 'web', ids, to });
  return planned.ok ? '' : `${planned.problem.summary} ${planned.problem.fix ?? ''}`;
}

test.for<[string, Buffer | string, string]>([
  ['another encoding', Buffer.from(`${before}# Größe\n`, 'latin1'), 'line 3 of pools.env is in'],
  [
    'a look-alike',
    `${before}KEY="\nDATABASE_POOL_SIZE=1\n"\n`,
    'Line 4 of pools.env looks like DATABASE_POOL_SIZE=',
  ],
])('%s in an env_file', async ([, bytes, sentence]) => {
  const said = await refusal('pools.env', bytes);
  expect(said).toContain(sentence);
  expect(said).not.toMatch(/project's|[^s]\.env/);
});

test.for(['EACCES', 'ENOENT', 'EBUSY', 'EFBIG', 'ENOSPC', 'EIO'])('%s of an env_file', (code) => {
  const { summary } = toEnvProblem(Object.assign(new Error('x'), { code }), 'conf/pools.env');
  expect(summary).toContain('conf/pools.env');
});
