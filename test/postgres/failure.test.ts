import { DatabaseError } from 'pg';
import { describe, expect, test } from 'vitest';
import {
  isFull,
  PostgresTimeout,
  SlowLogin,
  toReachError,
  UnusableUrl,
} from '../../src/postgres/failure.ts';

/** What pg throws when the server answers with an error. */
function answered(code: string, message: string): DatabaseError {
  const error = new DatabaseError(message, message.length, 'error');
  error.code = code;
  return error;
}

/** What Node throws. */
function failed(code: string, message = code): Error {
  return Object.assign(new Error(message), { code });
}

describe('full', () => {
  test.for([
    ['server', 'sorry, too many clients already'],
    ['server', 'remaining connection slots are reserved for non-replication superuser connections'],
    ['server', 'remaining connection slots are reserved for roles with the SUPERUSER attribute'],
    [
      'server',
      'remaining connection slots are reserved for roles with privileges of the "pg_use_reserved_connections" role',
    ],
    ['role', 'too many connections for role "hunter2"'],
    ['database', 'too many connections for database "hunter2"'],
  ] as const)('means the %s: %s', ([scope, message]) => {
    const error = toReachError(answered('53300', message));
    expect(error).toMatchObject({ kind: 'full', scope, sqlstate: '53300' });
    expect(isFull(error)).toBe(true);
    // psql in the container gives the text alone.
    expect(toReachError(new Error(`FATAL:  ${message}`))).toMatchObject({ kind: 'full', scope });
    expect(JSON.stringify(error)).not.toContain('hunter2');
  });

  test.for(['no more connections allowed (max_client_conn)', 'query_wait_timeout'])(
    'in the pooler is not climbed: %s',
    (message) => {
      const error = toReachError(answered('08P01', message));
      expect(error).toMatchObject({ kind: 'full', scope: 'pooler' });
      expect(isFull(error)).toBe(false);
    },
  );
});

describe('everything else', () => {
  test.for([
    ['the database system is starting up', 'starting'],
    ['the database system is in recovery mode', 'starting'],
    ['the database system is not yet accepting connections', 'starting'],
    ['the database system is shutting down', 'shutting-down'],
  ] as const)('57P03 tells the phase: %s', ([message, detail]) => {
    expect(toReachError(answered('57P03', message))).toMatchObject({ kind: 'stopped', detail });
    expect(toReachError(new Error(`FATAL:  ${message}`))).toMatchObject({
      kind: 'stopped',
      detail,
    });
  });

  test('a conflict with recovery on a standby is not a server that starts', () => {
    const error = answered('40001', 'terminating connection due to conflict with recovery');
    expect(toReachError(error)).toMatchObject({ kind: 'server-error', sqlstate: '40001' });
  });

  test.for([
    ['stopped', failed('ECONNREFUSED')],
    ['stopped', failed('ENOENT')],
    ['stopped', new AggregateError([failed('ECONNREFUSED'), failed('ECONNREFUSED')])],
    ['network', failed('ENOTFOUND')],
    ['network', failed('ETIMEDOUT')],
    ['network', failed('EHOSTUNREACH')],
    ['network', failed('ERR_TLS_CERT_ALTNAME_INVALID', "does not match certificate's altnames")],
    ['network', failed('DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed certificate')],
    ['network', new Error('The server does not support SSL connections')],
    ['network', new PostgresTimeout('Reaching the address', 4000, false)],
    ['frozen', new PostgresTimeout('The check', 1800)],
    ['slow', new SlowLogin(4000)],
    ['slow', answered('57014', 'canceling statement due to statement timeout')],
    ['slow', answered('55P03', 'canceling statement due to lock timeout')],
    ['auth', new Error('SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string')],
    ['auth', answered('28P01', 'password authentication failed for user "x"')],
    ['privilege', answered('42501', 'permission denied')],
    ['server-error', answered('57P01', 'terminating connection due to administrator command')],
    ['server-error', answered('22021', 'invalid byte sequence for encoding "UTF8": 0xf3')],
    ['server-error', answered('53200', 'out of memory')],
    ['server-error', answered('XX000', 'could not agree on SSL, TLS or a certificate')],
    ['network', 'not even an error'],
  ] as const)('is %s: %s', ([kind, error]) => {
    expect(toReachError(error).kind).toBe(kind);
  });

  test('a url that cannot be used says why in its own words', () => {
    const error = new UnusableUrl('sslmode of the database url is none of libpq’s words.');
    expect(toReachError(error)).toMatchObject({ kind: 'network', summary: error.message });
  });

  test('no error repeats what the server or the system said', () => {
    const secret = 'postgres://admin:hunter2@db.internal/shop';
    for (const code of ['28P01', '3D000', '57P01', 'XX000', 'ECONNRESET', 'ENOTFOUND']) {
      expect(JSON.stringify(toReachError(failed(code, secret)))).not.toContain('hunter2');
    }
    expect(JSON.stringify(toReachError(new Error(secret)))).not.toContain('hunter2');
  });
});
