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

  test.for([
    ['propose A', { wanted: { option: 'A' }, target: 'orders' }],
    ['propose a backend', { wanted: { option: 'A', application: 'backend' }, target: 'orders' }],
    ['propose A orders', { wanted: { option: 'A' }, target: 'orders' }],
    ['propose A "my app" orders', { wanted: { option: 'A', application: 'my app' } }],
    ['Propose C backend', { wanted: { option: 'C', service: 'backend' }, target: 'orders' }],
  ] as const)('"%s" is a proposal', ([text, expected]) => {
    expect(parseCommand(text, ['orders'])).toMatchObject({ kind: 'propose', ...expected });
  });

  test('with several targets a proposal names its own', () => {
    const targets = ['orders', 'users'];
    expect(parseCommand('propose A users', targets)).toMatchObject({ target: 'users' });
    expect(parseCommand('propose C backend users', targets)).toMatchObject({ target: 'users' });
    expect(parseCommand('propose A', targets)).toMatchObject({
      problem: 'There are several targets, so name one at the end: orders, users.',
    });
  });

  test.for([
    ['propose', 'Say which option'],
    ['propose B', 'Only options A and C'],
    ['propose Z', 'There is no such option'],
    ['propose C', 'Say which service'],
    ['propose C backend ordres', 'Did you mean orders?'],
    ['propose A one two three', 'more than a name and a target'],
    [`propose A ${'x'.repeat(64)}`, 'longer than 63'],
    ['propsoe A', 'Did you mean propose?'],
    ['kill 4711', 'is not there yet'],
    ['cancel 4711', 'is not there yet'],
    ['approve abc', 'with the button'],
  ] as const)('"%s" gets help that says %s', ([text, hint]) => {
    const command = parseCommand(text, ['orders']);
    expect(command.kind === 'help' && command.problem).toContain(hint);
  });

  test('a stop, a go and a call for help carry what was written', () => {
    expect(parseCommand('stop it hurts', ['orders'])).toEqual({ kind: 'stop', reason: 'it hurts' });
    expect(parseCommand('go', ['orders'])).toEqual({ kind: 'go', reason: '' });
    expect(parseCommand('escalate backend-lead users is full', ['orders', 'users'])).toEqual({
      kind: 'escalate',
      ask: { role: 'backend-lead', reason: 'is full' },
      target: 'users',
    });
    expect(parseCommand('escalate it fills', ['orders'])).toMatchObject({
      ask: { role: 'database-admins', reason: 'it fills' },
      target: 'orders',
    });
  });
});
