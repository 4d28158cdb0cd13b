import { describe, expect, test } from 'vitest';
import { countLog, readFixture, readLog } from './read-log.ts';

/** Logs as people of this trade have them, each of a kind; what is counted is failures. */
const rows: readonly (readonly [string, Record<string, number>])[] = [
  ['localized-with-sqlstate', { 'slots-full': 3 }],
  ['knex-statement-first', { 'statement-timeout': 1, deadlock: 1, 'pooler-query-wait': 1 }],
  ['leading-space-level', { 'slots-full': 3 }],
  ['prefixed-traceback', { 'slots-full': 3 }],
  ['pgbouncer-login-retry', { 'pooler-login': 3 }],
  ['pgbouncer-full', { 'pooler-limit': 1, 'pooler-query-wait': 1 }],
  ['other-pools', { 'pool-timeout': 7 }],
  ['csv-json', { 'slots-full': 2 }],
  ['exception-group-uvicorn', { 'pool-timeout': 2 }],
];

test.for(rows)('%s.log', ([name, expected]) => {
  expect(countLog(readFixture(name))).toEqual(expected);
});

test('of a statement before its error no constant is shown', () => {
  const log = `error: select * from "users" where "mail" = 'hunter2' - deadlock detected`;
  expect(readLog(log)).toMatchObject([{ class: 'deadlock', count: 1 }]);
  expect(JSON.stringify(readLog(log))).not.toContain('hunter2');
});

test('of a structured line its message is shown, and no other field', () => {
  const [found] = readLog(
    '{"message":"ERROR: Verklemmung","state_code":"40P01","statement":"select 1","user":"hunter2"}',
  );
  expect(found).toMatchObject({ class: 'deadlock', example: 'ERROR: Verklemmung' });
});

describe('an error behind the statement it is about', () => {
  test.each([
    [
      'Spring',
      'UncategorizedSQLException: PreparedStatementCallback; uncategorized SQLException for SQL [select * from orders]; SQL state [40P01]; error code [0]; FEHLER: Verklemmung',
    ],
    ['jOOQ', 'DataAccessException: SQL [update orders set x = ?]; ERROR: deadlock detected'],
    [
      'Hibernate',
      'JDBC exception executing SQL [select o1_0.id from orders o1_0] [ERROR: deadlock detected] [n/a]',
    ],
    [
      'Doctrine',
      `An exception occurred while executing 'SELECT x FROM y WHERE z = ?' with params ["a"]: SQLSTATE[40P01]: Deadlock detected`,
    ],
    [
      'Knex, over several lines',
      `error: \n  select *\n  from orders\n  - Verklemmung\n    at parse (/app/parser.js:1:1) {\n  code: '40P01',\n}`,
    ],
  ])('%s', (_, log) => {
    expect(countLog(log)).toEqual({ deadlock: 1 });
  });
});

describe('what anybody can write into a statement is no error', () => {
  test.each([
    `error: select * from notes where text = 'x - deadlock detected'`,
    `error: insert into notes values ('FATAL: sorry, too many clients already')`,
    `STATEMENT:  select 1 -- ERROR: deadlock detected`,
    `STATEMENT:  select $x$ SQLSTATE[40P01] $x$`,
    `STATEMENT:  select * from t - 1 where code = 53300`,
    `[SQL: select 1]\n[parameters: {'a': "FATAL: sorry, too many clients already"}]`,
    '{"level":"info","msg":"done","sql":"select \'deadlock detected\'","params":["57P01"]}',
    'level=info msg=done query="select \'too many clients already\'"',
  ])('%s', (log) => {
    expect(countLog(log)).toEqual({});
  });
});
