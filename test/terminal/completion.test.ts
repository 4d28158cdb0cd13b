import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { readOnlyWords } from '../../src/runbook/commands/words.ts';
import { renderCompletion } from '../../src/terminal/render/help.ts';

test('bash completes the words, and files after the first', () => {
  const { text, code } = renderCompletion('bash');
  expect(code).toBe(0);
  const complete = (...words: string[]): string[] =>
    execFileSync('bash', [
      '-c',
      `${text}\nCOMP_CWORD=${words.length}; _dbconn dbconn "$1"; printf '%s\\n' "\${COMPREPLY[@]}"`,
      'bash',
      words.at(-1) ?? '',
    ])
      .toString()
      .split('\n')
      .filter(Boolean);
  expect(complete('st')).toEqual(['status', 'stop']);
  expect(complete('replay', '--he')).toEqual(['--head', '--heads', '--help']);
  expect(complete('replay', 'st')).toEqual([]);
  expect(complete('')).toEqual(expect.arrayContaining([...readOnlyWords, 'journal', 'replay']));
});

test('zsh and fish get each word with what it does, and nothing that ends a quote', () => {
  for (const shell of ['zsh', 'fish']) {
    const { text, code } = renderCompletion(shell);
    expect(code).toBe(0);
    for (const word of readOnlyWords) expect(text).toContain(word);
    expect(text.split("'").length % 2, 'quotes are closed').toBe(1);
  }
});

test('another shell is refused with the ones there are', () => {
  const { text, code } = renderCompletion('tcsh');
  expect(code).toBe(3);
  expect(text).toContain('fish');
  expect(renderCompletion(undefined).code).toBe(3);
  expect(renderCompletion('constructor').code).toBe(3);
});
