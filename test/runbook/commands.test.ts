import { describe, expect, test } from 'vitest';
import { lookingWords, parseCommand } from '../../src/runbook/commands.ts';

describe('the words after /dbconn', () => {
  test('nothing at all is the status of the first target', () => {
    expect(parseCommand('  ', ['orders', 'users'])).toEqual({
      kind: 'look',
      word: 'status',
      target: 'orders',
    });
  });

  test.for([...lookingWords])('%s is understood, with a target and in capitals', (word) => {
    expect(parseCommand(`${word.toUpperCase()} users`, ['orders', 'users'])).toEqual({
      kind: 'look',
      word,
      target: 'users',
    });
  });

  test.for([
    ['statsu', 'Did you mean status?'],
    ['blokcing', 'Did you mean blocking?'],
    ['xyzzy', 'There is no such word.'],
    ['orders', 'A word comes before the target'],
    ['status ordres', 'Did you mean orders?'],
    ['status nowhere-near', 'The targets are: orders, users.'],
    ['status orders now', 'more than a word and a target'],
  ] as const)('"%s" gets help that says %s', ([text, hint]) => {
    const command = parseCommand(text, ['orders', 'users']);
    expect(command).toMatchObject({ kind: 'help' });
    expect(command.kind === 'help' && command.problem).toContain(hint);
  });

  test('a text of a megabyte is answered at once and not repeated', () => {
    const command = parseCommand('x'.repeat(1_000_000), ['orders']);
    expect(JSON.stringify(command).length).toBeLessThan(200);
  });
});
