import { describe, expect, test } from 'vitest';
import { joinEvents } from '../../../src/runbook/snapshot/logs/log-events.ts';
import { classifyLogs } from '../../../src/runbook/snapshot/logs/classify-logs.ts';

function events(text: string): string[] {
  const lines = text.split('\n').map((text) => ({ stream: 'stderr' as const, at: null, text }));
  return joinEvents(lines).map((event) => event.text);
}

/** As SQLAlchemy 1.4 and psycopg2 2.9 print a refused connection. */
const refusedConnection = `ERROR backend request failed
Traceback (most recent call last):
  File "/usr/lib/python3/dist-packages/sqlalchemy/engine/base.py", line 3361, in _wrap_pool_connect
    return fn()
           ^^^^
psycopg2.OperationalError: connection to server at "postgres" (172.18.0.2), port 5432 failed: FATAL:  sorry, too many clients already


The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/app/backend.py", line 120, in guarded
    self.answer(200, work())
sqlalchemy.exc.OperationalError: (psycopg2.OperationalError) connection to server at "postgres" (172.18.0.2), port 5432 failed: FATAL:  sorry, too many clients already

(Background on this error at: https://sqlalche.me/e/14/e3q8)
INFO backend still serving`;

describe('lines that belong together', () => {
  test('a log that begins in the middle of a stack begins with the exception', () => {
    const [, , , ...cut] = refusedConnection.split('\n');
    const [first, ...rest] = events(cut.join('\n'));
    expect(first).toMatch(/^psycopg2\.OperationalError: .* sorry, too many clients already$/);
    expect(rest.join('\n')).not.toMatch(/^\s/m);
  });

  test('a chained traceback is one event: its exceptions, the root cause first, without the stack', () => {
    const [prefix, failure, next, ...others] = events(refusedConnection);
    expect(prefix).toBe('ERROR backend request failed');
    expect(failure?.split('\n').map((line) => line.slice(0, 32))).toEqual([
      'psycopg2.OperationalError: conne',
      'sqlalchemy.exc.OperationalError:',
      '(Background on this error at: ht',
    ]);
    expect(next).toBe('INFO backend still serving');
    expect(others).toEqual([]);
  });

  test('one failure is counted once, ten are ten', () => {
    const lines = Array.from({ length: 10 }, () => refusedConnection).join('\n');
    const counted = classifyLogs(events(lines).map((text) => ({ at: null, text })));
    expect(counted).toMatchObject([{ class: 'slots-full', count: 10 }]);
  });

  test('a continuation stays with its line, a tab of PostgreSQL as well as a stack of Node or Java', () => {
    expect(
      events(
        `server closed the connection unexpectedly
\tThis probably means the server terminated abnormally
\tbefore or while processing the request.
Error: connect ECONNREFUSED
    at TCPConnectWrap.afterConnect (node:net:1611:16)
org.postgresql.util.PSQLException: no
\tat org.postgresql.Driver.connect(Driver.java:1)
Caused by: java.net.ConnectException: refused
done`,
      ).map((text) => text.split('\n').length),
    ).toEqual([3, 2, 3, 1]);
  });

  test("PostgreSQL's own report stays one, in any language, and two are two", () => {
    const at = '2026-01-05 10:00:00.123 CET [81] 40P01 ';
    const report = [
      `${at}FEHLER:  Verklemmung entdeckt`,
      `${at}DETAIL:  Prozess 81 wartet auf ShareLock-Sperre`,
      '\tProzess 82 wartet auf ShareLock-Sperre',
      `${at}TIPP:  Einzelheiten zur Anfrage finden Sie im Serverlog.`,
      `${at}ANWEISUNG:  UPDATE t SET a = 1`,
    ];
    expect(
      events([...report, ...report].join('\n')).map((text) => text.split('\n').length),
    ).toEqual([5, 5]);
    const refusal = '2026-01-05 10:00:00.123 UTC [81] FATAL:  sorry, too many clients already';
    expect(events([refusal, refusal].join('\n'))).toHaveLength(2);
  });

  test('a quoted statement over several lines is neither event nor evidence', () => {
    const found = events(`Traceback (most recent call last):
  File "x.py", line 1, in <module>
sqlalchemy.exc.OperationalError: (psycopg2.errors.AdminShutdown) terminating connection due to administrator command
[SQL: select token
from connection_pool
where token = 'connection-hunter2']
[parameters: {'a': 1}]
(Background on this error at: https://sqlalche.me/e/14/e3q8)
next`);
    expect(found).toHaveLength(2);
    expect(found.join('\n')).not.toContain('hunter2');
  });

  test('the two streams do not mix', () => {
    const joined = joinEvents([
      { stream: 'stderr', at: 'a', text: 'Traceback (most recent call last):' },
      { stream: 'stdout', at: 'b', text: 'GET / 200' },
      { stream: 'stderr', at: 'c', text: '  File "x.py", line 1' },
      { stream: 'stdout', at: 'd', text: 'GET / 500' },
      { stream: 'stderr', at: 'e', text: 'ValueError: no' },
    ]);
    expect(joined).toEqual([
      { at: 'a', text: 'ValueError: no', trace: true },
      { at: 'b', text: 'GET / 200' },
      { at: 'd', text: 'GET / 500' },
    ]);
  });

  test('a log that begins in the middle of a stack, or is one endless dump, stays bounded', () => {
    expect(events('    return fn()\nValueError: no')).toEqual(['ValueError: no']);
    const dump = ['head', ...Array.from({ length: 50_000 }, () => ' more of the same')].join('\n');
    expect(events(dump).join('').length).toBeLessThan(40_000);
  });
});
