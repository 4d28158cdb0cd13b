import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readOnlyWords } from '../../src/runbook/commands/words.ts';
import { renderCompletion, renderNext } from '../../src/terminal/render/completion.ts';

/** A folder with a `dbconn` for the shell to call, and a dbconn.yml that names two targets. */
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dbconn-completion-'));
  const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));
  const file = join(folder, 'dbconn');
  writeFileSync(file, `#!/bin/sh\nexec '${process.execPath}' '${cli}' "$@"\n`);
  chmodSync(file, 0o755);
  const targets = ['orders', 'billing'].map(
    (name) => `  - name: ${name}\n    database: { url: "postgres://app@127.0.0.1:1/x" }\n`,
  );
  writeFileSync(join(folder, 'dbconn.yml'), `targets:\n${targets.join('')}`);
});
afterAll(() => rmSync(folder, { recursive: true }));

function hasShell(shell: string): boolean {
  return spawnSync(shell, ['-c', 'exit 0']).status === 0;
}

function runShell(shell: string, script: string): string[] {
  const env = { PATH: `${folder}:${process.env['PATH']}`, HOME: folder };
  return execFileSync(shell, ['-c', script], { cwd: folder, env })
    .toString()
    .split('\n')
    .filter(Boolean);
}

function completeInBash(...words: string[]): string[] {
  const typed = ['dbconn', ...words].map((word) => `'${word}'`).join(' ');
  return runShell(
    'bash',
    `${renderCompletion('bash').text}
compopt() { echo "compopt $*"; }
COMP_WORDS=(${typed}); COMP_CWORD=${words.length}; _dbconn
printf '%s\\n' "\${COMPREPLY[@]}"`,
  );
}

test('bash completes words, options, targets and files', () => {
  expect(completeInBash('st')).toEqual(['status', 'stop']);
  expect(completeInBash('replay', '--he')).toEqual(['--head', '--help']);
  expect(completeInBash('status', '')).toEqual(['orders', 'billing']);
  expect(completeInBash('propose', 'C', 'backend', 'o')).toEqual(['orders']);
  expect(completeInBash('replay', '')).toEqual(['compopt -o default']);
  expect(completeInBash('')).toEqual(expect.arrayContaining([...readOnlyWords, 'journal']));
});

test.runIf(hasShell('fish'))('fish completes them with what they are for', () => {
  const complete = (typed: string): string[] =>
    runShell('fish', `${renderCompletion('fish').text}\ncomplete -C '${typed}'`);
  expect(complete('dbconn sta')).toEqual(['status\thow full PostgreSQL is, why, and what helps']);
  expect(complete('dbconn blocking ')).toEqual(expect.arrayContaining(['orders', 'billing']));
});

test.runIf(hasShell('zsh'))('zsh reads its script', () => {
  expect(runShell('zsh', `compdef() { :; }\n${renderCompletion('zsh').text}\necho read`)).toEqual([
    'read',
  ]);
});

async function next(...typed: string[]): Promise<string[]> {
  const { text } = await renderNext(typed, () => Promise.resolve(['orders', 'billing']));
  return text.split('\n').map((line) => line.split('\t')[0] ?? '');
}

test('what may come next is what the word before it takes', async () => {
  expect(await next('propose', '')).toEqual(expect.arrayContaining(['A', 'E', 'orders']));
  expect(await next('incident', 's')).toEqual(['silence']);
  expect(await next('incident', 'ack', '')).toEqual(['orders', 'billing']);
  expect(await next('help', 'esc')).toEqual(['escalate']);
  expect(await next('journal', 'export', '--format', '')).toEqual(['md', 'json']);
  expect(await next('status', '--config', '')).toEqual([':files']);
  expect(await next('deny', '')).toEqual(['']);
});

test('another shell is refused with the ones there are', () => {
  const { text, code } = renderCompletion('tcsh');
  expect(code).toBe(3);
  expect(text).toContain('fish');
  expect(renderCompletion(undefined).code).toBe(3);
  expect(renderCompletion('constructor').code).toBe(3);
});
