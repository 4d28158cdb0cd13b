import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { startCluster } from '../support/clusters.ts';

/** What a word costs is what it loads: V8's own list of the scripts of a process says which they were. */
const run = promisify(execFile);
const repository = new URL('../../', import.meta.url);
const cli = fileURLToPath(new URL('src/cli.ts', repository));
const Coverage = z.object({ result: z.array(z.object({ url: z.string() })) });

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dbconn-loading-'));
});
afterEach(() => rm(folder, { recursive: true }));

interface Loaded {
  readonly stdout: string;
  /** Relative to the repository. */
  readonly files: readonly string[];
  readonly packages: readonly string[];
}

async function load(words: readonly string[], env: Record<string, string> = {}): Promise<Loaded> {
  const { stdout } = await run(process.execPath, [cli, ...words], {
    cwd: folder,
    env: { ...env, NODE_V8_COVERAGE: join(folder, 'coverage') },
  });
  const [name = ''] = await readdir(join(folder, 'coverage'));
  const text = await readFile(join(folder, 'coverage', name), 'utf8');
  const { result } = Coverage.parse(JSON.parse(text));
  const paths = result
    .filter(({ url }) => url.startsWith(repository.href))
    .map(({ url }) => url.slice(repository.href.length));
  const packages = paths.flatMap((path) => {
    const [, named] = /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path) ?? [];
    return named === undefined ? [] : [named];
  });
  return {
    stdout,
    files: paths.filter((path) => path.startsWith('src/')),
    packages: [...new Set(packages)],
  };
}

const entry = [
  'src/cli.ts',
  'src/config/environment.ts',
  'src/runbook/approvals/journal.ts',
  'src/runbook/commands/words.ts',
  'src/terminal/arguments.ts',
  'src/terminal/output.ts',
];

test('help and completion load their words and nothing else, and need no configuration', async () => {
  const help = await load(['help']);
  expect(help.stdout).toContain('Usage: dbconn');
  expect(help.files.toSorted()).toEqual([...entry, 'src/terminal/render/help.ts'].toSorted());
  expect(help.packages).toEqual([]);
  await rm(join(folder, 'coverage'), { recursive: true });
  const completion = await load(['completion', 'fish']);
  const scripts = ['src/terminal/render/completion.ts', 'src/terminal/render/help.ts'];
  expect(completion.files.toSorted()).toEqual([...entry, ...scripts].toSorted());
  expect(completion.packages).toEqual([]);
});

test('replay loads no configuration, no journal and no client of anything', async () => {
  const drill = fileURLToPath(new URL('test/fixtures/bundles/connection-leak.json', repository));
  const { files, packages } = await load(['replay', drill]);
  expect(files).toContain('src/terminal/commands/replay-command.ts');
  const unneeded = /^src\/(?:config\.ts|patients|open-|bot|journal\/|postgres\/|slack\/|compose\/)/;
  expect(files.filter((path) => unneeded.test(path))).toEqual([]);
  for (const name of ['pg', 'yaml', 'dockerode', '@slack/web-api', 'undici', 'pino']) {
    expect(packages).not.toContain(name);
  }
});

test('status of one database loads the client of PostgreSQL, and none for Slack, Docker, pools or the journal', async () => {
  const cluster = await startCluster();
  try {
    const { stdout, files, packages } = await load(['status'], { DATABASE_URL: cluster.url() });
    expect(stdout).toContain('usable connections');
    expect(packages).toEqual(expect.arrayContaining(['pg', 'zod']));
    for (const name of ['@slack/bolt', '@slack/web-api', 'dockerode', 'undici', 'pino']) {
      expect(packages).not.toContain(name);
    }
    const unneeded =
      /^src\/(?:slack|compose|journal|alertmanager|pagerduty|runbook\/approval\/(?:door|request))/;
    expect(files.filter((path) => unneeded.test(path))).toEqual([]);
  } finally {
    await cluster.close();
  }
});
