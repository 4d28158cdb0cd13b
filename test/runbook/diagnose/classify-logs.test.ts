import { expect, test } from 'vitest';
import { classifyLogs } from '../../../src/runbook/snapshot/logs/classify-logs.ts';
import type { LogClass } from '../../../src/runbook/snapshot/snapshot.ts';

const known: readonly (readonly [LogClass, string])[] = [
  [
    'pool-timeout',
    'sqlalchemy.exc.TimeoutError: QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00',
  ],
  ['pool-timeout', "psycopg_pool.PoolTimeout: couldn't get a connection after 30.00 sec"],
  ['pool-timeout', 'Error: timeout exceeded when trying to connect'],
  ['slots-full', 'FATAL:  sorry, too many clients already'],
  ['slots-full', 'asyncpg.exceptions.TooManyConnectionsError: sorry, too many clients already'],
  [
    'slots-reserved',
    'FATAL:  remaining connection slots are reserved for non-replication superuser connections',
  ],
  [
    'slots-reserved',
    'FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute',
  ],
  [
    'slots-reserved',
    'FATAL:  remaining connection slots are reserved for roles with privileges of the "pg_use_reserved_connections" role',
  ],
  ['role-or-database-limit', 'FATAL:  too many connections for role "lim"'],
  ['role-or-database-limit', 'FATAL:  too many connections for database "limdb"'],
  [
    'idle-in-transaction-timeout',
    'FATAL:  terminating connection due to idle-in-transaction timeout',
  ],
  ['idle-session-timeout', 'FATAL:  terminating connection due to idle-session timeout'],
  ['statement-timeout', 'ERROR:  canceling statement due to statement timeout'],
  ['statement-timeout', 'FATAL:  terminating connection due to transaction timeout'],
  ['deadlock', 'ERROR:  deadlock detected'],
  ['deadlock', 'error: 40P01'],
  ['terminated-by-admin', 'FATAL:  terminating connection due to administrator command'],
  ['crash', 'WARNING:  terminating connection because of crash of another server process'],
  ['starting-or-stopping', 'FATAL:  the database system is starting up'],
  ['starting-or-stopping', 'FATAL:  the database system is not yet accepting connections'],
  ['authentication', 'FATAL:  password authentication failed for user "x"'],
  ['authentication', 'FATAL:  role "x" does not exist'],
  ['unreachable', 'connection to server at "127.0.0.1", port 1 failed: Connection refused'],
  ['unreachable', 'could not translate host name "x" to address: Name or service not known'],
  ['connection-lost', 'server closed the connection unexpectedly'],
  ['connection-lost', 'psycopg2.InterfaceError: connection already closed'],
  ['connection-lost', 'SSL connection has been closed unexpectedly'],
  ['other', 'LOG:  connection received: host=10.0.0.5 port=4711'],
  ['other', 'resizing the pool'],
];

test.for(known)('%s: %s', ([name, text]) => {
  expect(classifyLogs([{ at: null, text }])).toMatchObject([{ class: name, count: 1 }]);
});

test('lines that speak of neither connections nor pools are left out', () => {
  expect(classifyLogs([{ at: null, text: 'GET /healthz 200' }])).toEqual([]);
});

test('the numbers of a QueuePool are read, no ceiling included', () => {
  const text =
    'QueuePool limit of size 5 overflow -1 reached, connection timed out, timeout 2.50 (x)';
  expect(classifyLogs([{ at: null, text }])[0]?.pool).toEqual({
    size: 5,
    maxOverflow: -1,
    timeoutSeconds: 2.5,
  });
});

test('counts add up, the last line is the example, the most frequent class comes first', () => {
  const classes = classifyLogs([
    { at: '2026-11-23T03:00:00Z', text: 'deadlock detected' },
    { at: '2026-11-23T03:00:01Z', text: 'too many clients already' },
    { at: '2026-11-23T03:00:02Z', text: 'once more: too many clients already' },
  ]);
  expect(classes).toMatchObject([
    {
      class: 'slots-full',
      count: 2,
      lastAt: '2026-11-23T03:00:02Z',
      example: 'once more: too many clients already',
    },
    { class: 'deadlock', count: 1 },
  ]);
});

test('a statement cannot pretend to be a message of the server', () => {
  expect(classifyLogs([{ at: null, text: "STATEMENT:  SELECT 'deadlock detected'" }])).toEqual([]);
});

test('of a traceback the line that says it is shown, without what it quotes', () => {
  const text = [
    'Traceback (most recent call last):',
    '  File "/app/db.py", line 3, in <module>',
    '    with pool as connection:',
    'psycopg2.errors.DeadlockDetected: deadlock detected',
    'DETAIL:  Process 7 waits for ShareLock on transaction 9; blocked by process 8.',
    "[SQL: UPDATE users SET mail = 'hunter2']",
  ].join('\n');
  const [found] = classifyLogs([{ at: null, text }]);
  expect(found).toMatchObject({
    class: 'deadlock',
    example: 'psycopg2.errors.DeadlockDetected: deadlock detected',
  });
});

test('an example holds no secret and at most 300 characters', () => {
  const [found] = classifyLogs([
    { at: null, text: `pool of postgres://app:hunter2@db/shop ${'é💥 '.repeat(500)}` },
  ]);
  expect(found?.example).not.toContain('hunter2');
  expect(Array.from(found?.example ?? '').length).toBe(300);
});
