import { expect, test } from 'vitest';
import { faultsOfText } from '../support/plain-english.ts';

test.for([
  ['a sentence of more than twenty words', `${'so '.repeat(20)}on.`],
  ['a sentence of names', `It ends ${'backend, '.repeat(20)}and worker.`],
  ['a word that sounds odd', 'It is told in the channel.'],
  ['a word that sounds odd', 'Acknowledge it, whoever you are.'],
  ['a word that sounds odd', 'Have a look at the log.'],
  ['one of several', '1 sessions.'],
  ['several of one', '2 session wait.'],
  ['several that does', '2 sessions waits.'],
  ['one that do', '1 session wait.'],
  ['a blank before the sign', 'It is 70 % full.'],
  ['two clocks', 'From 10:00:00 UTC on.\nUntil 11:00.'],
  ['two clocks', 'From 10:00 UTC on, until <!date^1^{time}|11:00 UTC>.'],
])('%s is a fault: %s', ([, text]) => {
  expect(faultsOfText(text ?? '')).not.toEqual([]);
});

test.for([
  `${'so '.repeat(19)}on. And on.`,
  `${'so '.repeat(19)}on\nand on`,
  'This looks like a connection leak: 1 session is idle, 2 sessions wait, 21 sessions are idle.',
  'Of 5 sessions 1 waits; 1 of 5 sessions is idle, 3 of 1,000 slots are free (70%).',
  'PostgreSQL 18.4 has 2 session pools and 1 standby.',
  'Run ALTER ROLE app CONNECTION LIMIT 10; then check again from 10:00 to 11:00 UTC.',
  `40 sessions of backend: pid ${Array.from({ length: 40 }, (_, index) => 1000 + index).join(', ')}.`,
  `The statement is \`${'SELECT '.repeat(30)}\`.`,
])('this is plain: %s', (text) => {
  expect(faultsOfText(text)).toEqual([]);
});
