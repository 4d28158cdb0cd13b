import { describe, expect, test } from 'vitest';
import { parseCommand } from '../../src/runbook/commands/parse-command.ts';
import { allWords, readOnlyWords } from '../../src/runbook/commands/words.ts';

describe('the words after /dbconn', () => {
  test('nothing at all is the status of the first target', () => {
    expect(parseCommand('  ', ['orders', 'users'])).toEqual({
      kind: 'look',
      word: 'status',
      target: 'orders',
    });
  });

  test.for([...readOnlyWords])('%s is understood, with a target and in capitals', (word) => {
    expect(parseCommand(`${word.toUpperCase()} users`, ['orders', 'users'])).toEqual({
      kind: 'look',
      word,
      target: 'users',
    });
  });

  test.for([
    ['statsu', 'Did you mean status?'],
    ['stxxxs', 'Unknown word.'],
    ['help statsu', 'Did you mean status?'],
    ['blokcing', 'Did you mean blocking?'],
    ['xyzzy', 'Unknown word.'],
    ['orders', 'A word comes before the target'],
    ['status ordres', 'Did you mean orders?'],
    ['status nowhere-near', 'The targets are: orders, users.'],
    ['status orders now', 'Too many words'],
  ] as const)('"%s" gets help that says %s', ([text, hint]) => {
    const command = parseCommand(text, ['orders', 'users']);
    expect(command).toMatchObject({ kind: 'help' });
    expect(command.kind === 'help' && command.problem).toContain(hint);
  });

  test.for([...allWords])('help explains %s, before and after it, and does nothing', (word) => {
    const expected = { kind: 'help', about: word };
    expect(parseCommand(`help ${word}`, ['orders'])).toEqual(expected);
    expect(parseCommand(`${word.toUpperCase()} help`, ['orders'])).toEqual(expected);
    expect(parseCommand(`${word} —help`, ['orders'])).toMatchObject({ kind: 'help' });
  });

  test('a problem says about which word it is, and a target may be called help', () => {
    expect(parseCommand('propose E', ['orders'])).toMatchObject({ about: 'propose' });
    expect(parseCommand('status help', ['orders', 'help'])).toMatchObject({ target: 'help' });
  });

  test('a text of a megabyte is answered at once and not repeated', () => {
    const command = parseCommand('x'.repeat(1_000_000), ['orders']);
    expect(JSON.stringify(command).length).toBeLessThan(200);
  });

  test.for([
    ['propose A', { remedyCommand: { option: 'A' }, target: 'orders' }],
    [
      'propose a backend',
      { remedyCommand: { option: 'A', application: 'backend' }, target: 'orders' },
    ],
    ['propose A orders', { remedyCommand: { option: 'A' }, target: 'orders' }],
    ['propose A "my app" orders', { remedyCommand: { option: 'A', application: 'my app' } }],
    ['Propose C backend', { remedyCommand: { option: 'C', service: 'backend' }, target: 'orders' }],
    ['propose A over 90s', { remedyCommand: { option: 'A', overMs: 90_000 } }],
    [
      'propose A backend --over 2h orders',
      {
        remedyCommand: { option: 'A', application: 'backend', overMs: 7_200_000 },
        target: 'orders',
      },
    ],
    ['propose A —over 30min', { remedyCommand: { option: 'A', overMs: 1_800_000 } }],
    ['propose B', { remedyCommand: { option: 'B' }, isPreview: false }],
    ['propose B 200 orders', { remedyCommand: { option: 'B', to: 200 }, target: 'orders' }],
    ['propose d', { remedyCommand: { option: 'D' } }],
    ['propose D slow', { remedyCommand: { option: 'D', stop: { slow: true } } }],
    ['propose D slow over 90s', { remedyCommand: { stop: { slow: true, overMs: 90_000 } } }],
    ['propose E backend', { remedyCommand: { option: 'E', service: 'backend' } }],
    ['propose E backend 10', { remedyCommand: { option: 'E', size: { poolSize: 10 } } }],
    [
      'propose E backend 10 orders',
      { remedyCommand: { size: { poolSize: 10 } }, target: 'orders' },
    ],
    [
      'propose E backend 10 5 orders',
      { remedyCommand: { option: 'E', size: { poolSize: 10, maxOverflow: 5 } }, target: 'orders' },
    ],
    ['propose prepared "a b"', { remedyCommand: { option: 'prepared', gid: 'a b' } }],
    [
      'propose prevention idle-in-transaction 10m',
      {
        remedyCommand: { setting: 'idle_in_transaction_session_timeout', role: null, ms: 600_000 },
      },
    ],
    [
      'propose prevention idle_session for app off',
      { remedyCommand: { setting: 'idle_session_timeout', role: 'app', ms: 0 } },
    ],
    [
      'propose prevention idle-session for app reset',
      { remedyCommand: { setting: 'idle_session_timeout', role: 'app', ms: null } },
    ],
    ['cancel 4711', { remedyCommand: { option: 'D', stop: { pid: 4711, how: 'cancel' } } }],
    [
      'kill 4711 orders',
      { remedyCommand: { stop: { pid: 4711, how: 'terminate' } }, target: 'orders' },
    ],
    ['propose kill 4711', { remedyCommand: { stop: { pid: 4711, how: 'terminate' } } }],
    ['preview A backend', { remedyCommand: { application: 'backend' }, isPreview: true }],
    ['propose B --dry-run', { remedyCommand: { option: 'B' }, isPreview: true }],
    ['kill 4711 —dry-run', { remedyCommand: { stop: { pid: 4711 } }, isPreview: true }],
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
    ['propose A over soon', 'After over comes a duration'],
    ['propose B 200 users now', 'Too many words'],
    ['propose B 300000', 'from 1 to 262143'],
    ['propose E', 'Name the service'],
    ['propose E backend 0 5', '1 to 10000 connections'],
    ['propose prepared', 'by its gid'],
    ['propose prevention', 'idle-in-transaction or idle-session'],
    ['propose prevention idle-session soon', 'with a duration'],
    ['propose prevention idle-session 60d', '24 days'],
    ['kill', 'by its pid'],
    ['cancel all', 'by its pid'],
    ['break-glass', 'Name the request'],
    ['propose Z', 'Unknown option'],
    ['propose C', 'Name the service'],
    ['propose C backend ordres', 'Did you mean orders?'],
    ['propose A one two three', 'Too many words'],
    [`propose A ${'x'.repeat(64)}`, 'at most 63'],
    ['propsoe A', 'Did you mean propose?'],
    ['approve abc', 'with the button'],
  ] as const)('"%s" gets help that says %s', ([text, hint]) => {
    const command = parseCommand(text, ['orders']);
    expect(command.kind === 'help' && command.problem).toContain(hint);
  });

  test('what is open and an exception are asked for by words of their own', () => {
    expect(parseCommand('requests', ['orders'])).toEqual({ kind: 'requests' });
    expect(parseCommand('break-glass abc123 nobody answers', ['orders'])).toEqual({
      kind: 'break-glass',
      id: 'abc123',
      reason: 'nobody answers',
    });
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

  test.for([
    ['incident', { word: 'list' }],
    ['Incidents', { word: 'list' }],
    ['incident open orders it fills', { word: 'open', target: 'orders', reason: 'it fills' }],
    ['incident ack', { word: 'have', which: null }],
    ['incident acknowledge', { word: 'have', which: null }],
    ['incident have INC-0abc1234', { word: 'have', which: { id: 'inc-0abc1234' } }],
    ['incident unsilence users', { word: 'unsilence', which: { target: 'users' } }],
    [
      'incident silence users 2h a load test',
      { word: 'silence', which: { target: 'users' }, forMs: 7_200_000, reason: 'a load test' },
    ],
    ['incident silence 30m', { word: 'silence', which: null, forMs: 1_800_000, reason: '' }],
    [
      'incident merge inc-0abc1234 into users',
      { word: 'merge', which: { id: 'inc-0abc1234' }, into: { target: 'users' } },
    ],
    ['incident close users is fine', { word: 'close', which: { target: 'users' } }],
    ['incident close it is fine', { word: 'close', which: null, reason: 'it is fine' }],
    ['incident reopen it is back', { word: 'reopen', which: null, reason: 'it is back' }],
  ] as const)('"%s" is about incidents', ([text, expected]) => {
    expect(parseCommand(text, ['orders', 'users'])).toEqual(
      expect.objectContaining({ kind: 'incident', ...expected }),
    );
  });

  test('with one target an incident is opened for it, whatever the reason begins with', () => {
    expect(parseCommand('incident open it fills', ['orders'])).toEqual({
      kind: 'incident',
      word: 'open',
      target: 'orders',
      reason: 'it fills',
    });
  });

  test.for([
    ['incident opne', 'Did you mean open?'],
    ['incident xyzzy', 'Unknown word after incident.'],
    ['incident open it fills', 'There are several targets'],
    ['incident have inc-?', 'Unknown incident'],
    ['incident have usres', 'Did you mean users?'],
    ['incident silence soon', 'for how long and why'],
    ['incident merge users', 'Name two incidents'],
    ['incident merge users orders and more', 'Too many words'],
    ['incidetn', 'Did you mean incident?'],
    ['report a b', 'Too many words'],
    ['history nowhere-near', 'The targets are'],
    ['histroy', 'Did you mean history?'],
  ] as const)('"%s" gets help that says %s', ([text, hint]) => {
    const command = parseCommand(text, ['orders', 'users']);
    expect(command.kind === 'help' && command.problem).toContain(hint);
  });

  test.for([
    ['history', { word: 'history', target: null }],
    ['history users', { word: 'history', target: 'users' }],
    ['report INC-0ABC1234', { word: 'report', target: null, id: 'inc-0abc1234' }],
    ['report users', { word: 'report', target: 'users' }],
    ['prevention', { word: 'prevention', target: 'orders' }],
  ] as const)('"%s" asks the record', ([text, expected]) => {
    expect(parseCommand(text, ['orders', 'users'])).toEqual({ kind: 'record', ...expected });
  });
});
