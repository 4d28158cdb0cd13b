import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseCommand } from '../../src/runbook/commands/parse-command.ts';

const root = new URL('../..', import.meta.url);

/** What a text sends its reader to: the word after `/dbconn`. Not the sentences that go on about the command itself. */
function wordsOf(file: string): readonly string[] {
  const text = readFileSync(new URL(file, root), 'utf8');
  const shown = file.endsWith('.ts') ? withoutComments(text) : text;
  return [...shown.matchAll(/\/dbconn ([a-z-]+)/g)].map(([, word = '']) => `${file}: ${word}`);
}

function withoutComments(code: string): string {
  return code.replaceAll(/^\s*(?:\/\/|\/?\*).*$/gm, '');
}

test('every word that a sentence sends people to is one of the command', () => {
  const files = ['src/**/*.ts', '*.md', '*.yml', 'docs/**/*', 'deploy/**/*'].flatMap((pattern) =>
    globSync(pattern, { cwd: root, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => `${entry.parentPath}/${entry.name}`),
  );
  const named = files.flatMap((file) => wordsOf(file));
  expect(named.length).toBeGreaterThan(30);
  const unknown = named.filter((entry) => {
    const command = parseCommand(entry.split(': ')[1] ?? '', ['orders']);
    return command.kind === 'help' && /Unknown word|Did you mean/.test(command.problem ?? '');
  });
  expect(unknown).toEqual([]);
});

/** Names of the first house, which nobody outside could know. A word of the field has its place. */
const privateWords =
  /^(?:wards?|beds?|bedsides?|patients?|doors?|sites?|attend\w*|tends?|tending|tended|tenure|nudge\w*|pens?|fates?|gists?|bargains?|brakes?)$/i;

test('no source, comment or sentence uses a private word', () => {
  const files = globSync('src/**/*.ts', { cwd: root });
  expect(files.length).toBeGreaterThan(300);
  const found = files.flatMap((file) => {
    const text = readFileSync(new URL(file, root), 'utf8');
    const words = text.match(/[A-Z]?[a-z]+|[A-Z]+(?![a-z])/g) ?? [];
    return words.filter((word) => privateWords.test(word)).map((word) => `${file}: ${word}`);
  });
  expect(found).toEqual([]);
});
