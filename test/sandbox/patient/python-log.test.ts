import { DatabaseError } from 'pg';
import { expect, test } from 'vitest';
import { toLogLines } from '../../../sandbox/patient/backend/python-log.ts';
import { PoolTimeoutError } from '../../../sandbox/patient/backend/queue-pool.ts';
import { classifyLogs } from '../../../src/runbook/snapshot/logs/classify-logs.ts';

const server = '"db", port 5432';

function databaseError(severity: string, code: string, message: string): DatabaseError {
  const error = new DatabaseError(message, message.length, 'error');
  return Object.assign(error, { severity, code });
}

function refusedBy(code: string): Error {
  return Object.assign(new Error('connect failed'), { code });
}

test.each([
  [
    new PoolTimeoutError({ size: 5, maxOverflow: 10, timeoutMs: 30_000 }),
    'sqlalchemy.exc.TimeoutError: QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00 ',
    'pool-timeout',
  ],
  [
    databaseError('FATAL', '53300', 'sorry, too many clients already'),
    '(psycopg2.OperationalError) connection to server at "db", port 5432 failed: FATAL:  sorry, too many clients already',
    'slots-full',
  ],
  [
    databaseError('FATAL', '57P01', 'terminating connection due to administrator command'),
    '(psycopg2.errors.AdminShutdown) terminating connection due to administrator command',
    'terminated-by-admin',
  ],
  [
    databaseError('ERROR', '40P01', 'deadlock detected'),
    '(psycopg2.errors.DeadlockDetected) deadlock detected',
    'deadlock',
  ],
  [
    refusedBy('ECONNREFUSED'),
    'connection to server at "db", port 5432 failed: Connection refused',
    'unreachable',
  ],
  [
    new Error('Connection terminated unexpectedly'),
    '(psycopg2.OperationalError) server closed the connection unexpectedly',
    'connection-lost',
  ],
])('%s is logged as Python services log it, and recognised', (error, text, name) => {
  const lines = toLogLines('GET /orders', error, server);
  expect(lines[1]).toBe('Traceback (most recent call last):');
  expect(lines.join('\n')).toContain(text);
  const classes = classifyLogs(lines.map((line) => ({ at: null, text: line })));
  expect(classes.map((entry) => entry.class)).toContain(name);
});
