import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/**
 * The ways `npm ci` may be called, each in a copy of the repository, by the machine's own Node and npm: what a
 * newcomer has. Needs npm's registry.
 */
const run = promisify(execFile);
const repository = fileURLToPath(new URL('../..', import.meta.url));
/** npm puts the Node that it brought along before the machine's own. */
const path = (process.env['PATH'] ?? '')
  .split(':')
  .filter((folder) => !folder.endsWith('node_modules/.bin'))
  .join(':');
const env = { ...process.env, PATH: path, NODE_OPTIONS: '' };

async function copyOfRepository(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'dbconn-install-'));
  const { stdout } = await run('git', ['ls-files', '-coz', '--exclude-standard'], {
    cwd: repository,
  });
  for (const file of stdout.split('\0').filter(Boolean)) {
    if (!existsSync(join(repository, file))) continue; // removed and not committed yet
    await cp(join(repository, file), join(folder, file));
  }
  return folder;
}

const ways = [
  { flags: [], isBundled: true },
  { flags: ['--omit=dev'], isBundled: false },
  { flags: ['--ignore-scripts'], isBundled: false },
];

describe.each(ways)('npm ci $flags', ({ flags, isBundled }) => {
  let folder = '';
  let said = '';

  beforeAll(async () => {
    folder = await copyOfRepository();
    const { stdout, stderr } = await run('npm', ['ci', ...flags], { cwd: folder, env });
    said = stdout + stderr;
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('says nothing that frightens', () => {
    expect(said).not.toMatch(/EBADENGINE|\bwarn\b(?!.*deprecated)|\berr(?:or)?!/i);
  });

  test(`leaves ${isBundled ? 'a bundle' : 'the sources to run'}`, () => {
    expect(existsSync(join(folder, 'dist/cli.js'))).toBe(isBundled);
    expect(existsSync(join(folder, 'dist/main.js'))).toBe(isBundled);
  });

  test.each([
    ['by its name', () => ['npx', 'dbconn']],
    ['by its path', () => [join(folder, 'bin/dbconn')]],
  ])('the terminal starts %s', (_, command) => {
    const [program = '', ...words] = command();
    const help = spawnSync(program, [...words, 'help'], { cwd: folder, env, encoding: 'utf8' });
    expect(help.stdout).toContain('Usage: dbconn');
    const lost = spawnSync(program, [...words, 'status'], {
      cwd: folder,
      env: { ...env, DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' },
      encoding: 'utf8',
    });
    expect(lost.stdout).toContain('PostgreSQL is not running');
    expect(lost.status).toBe(2);
  });

  test('the bot starts as far as it can without a configuration, and says what it lacks', () => {
    const { stderr, status } = spawnSync('npm', ['start'], { cwd: folder, env, encoding: 'utf8' });
    expect(stderr).toContain('SLACK_BOT_TOKEN is not set');
    expect(status).toBe(1);
  });
});

test('the machine’s own Node is the one that people have, not the one that npm ci brings', () => {
  const { stdout } = spawnSync('sh', ['-c', 'command -v node'], { env, encoding: 'utf8' });
  expect(dirname(stdout.trim())).not.toContain('node_modules');
});
