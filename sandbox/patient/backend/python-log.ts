import { DatabaseError } from 'pg';
import { PoolTimeoutError } from './queue-pool.ts';

/** psycopg2's class for a SQLSTATE, where it is not simply OperationalError. */
const psycopgClasses = new Map([
  ['40P01', 'errors.DeadlockDetected'],
  ['55P03', 'errors.LockNotAvailable'],
  ['57014', 'errors.QueryCanceled'],
  ['57P01', 'errors.AdminShutdown'],
  ['25P03', 'errors.IdleInTransactionSessionTimeout'],
]);

const closedText =
  'server closed the connection unexpectedly\n' +
  '\tThis probably means the server terminated abnormally\n' +
  '\tbefore or while processing the request.';

/**
 * The lines a Python service on SQLAlchemy 2 and psycopg2 writes to stderr for this error: the real message
 * of PostgreSQL or of the pool, in the wording its log readers meet. `server` is `"host", port n`.
 */
export function toLogLines(what: string, error: unknown, server: string): string[] {
  return [
    toLogLine('ERROR', `Exception on ${what}`),
    'Traceback (most recent call last):',
    `  File "/app/shop/api.py", line 88, in dispatch`,
    '    return handler(request)',
    ...toExceptionText(error, server).split('\n'),
  ];
}

export function toLogLine(level: 'INFO' | 'ERROR', text: string): string {
  const at = new Date().toISOString().replace('T', ' ').replace('.', ',').replace('Z', '');
  return `${at} ${level} [shop.api] ${text}`;
}

function toExceptionText(error: unknown, server: string): string {
  if (error instanceof PoolTimeoutError) return `sqlalchemy.exc.TimeoutError: ${error.message}`;
  const background = '(Background on this error at: https://sqlalche.me/e/20/e3q8)';
  const [name, text] = toPsycopg(error, server);
  return `sqlalchemy.exc.OperationalError: (psycopg2.${name}) ${text}\n\n${background}`;
}

function toPsycopg(error: unknown, server: string): [name: string, text: string] {
  if (!(error instanceof Error)) return ['InterfaceError', String(error)];
  const failed = `connection to server at ${server} failed`;
  if (error instanceof DatabaseError) {
    // Connection errors carry no SQLSTATE in psycopg2, so it has no class of its own for them.
    if (error.severity === 'FATAL' && error.code !== '57P01') {
      return ['OperationalError', `${failed}: FATAL:  ${error.message}`];
    }
    const name = psycopgClasses.get(error.code ?? '') ?? 'OperationalError';
    return [name, error.code === '57P01' ? `${error.message}\n${closedText}` : error.message];
  }
  if ('code' in error && error.code === 'ECONNREFUSED') {
    const hint = '\tIs the server running on that host and accepting TCP/IP connections?';
    return ['OperationalError', `${failed}: Connection refused\n${hint}`];
  }
  return ['OperationalError', closedText];
}
