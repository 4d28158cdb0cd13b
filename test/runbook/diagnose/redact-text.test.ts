import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { redactText } from '../../../src/runbook/snapshot/redaction/redact-text.ts';

const examples: readonly (readonly [string, string, string])[] = [
  [
    'a database address',
    "can't reach postgresql+psycopg2://app:hunter2@db:5432/shop?sslmode=require",
    "can't reach postgresql+psycopg2://…",
  ],
  [
    'a page keeps its path',
    'see https://sqlalche.me/e/20/3o7r?token=abc',
    'see https://sqlalche.me/e/20/3o7r?…',
  ],
  ['a page with an account', 'GET https://me:hunter2@host/x', 'GET https://…'],
  ['conninfo words', "host=db password='it\\'s hunter2' user=app", 'host=db password=… user=app'],
  [
    'two secrets on a line',
    'PGPASSWORD=hunter2 token=hunter3 port=1',
    'PGPASSWORD=… token=… port=1',
  ],
  ['JSON', '{"password":"hun\\"ter2","pool":1}', '{"password":…,"pool":1}'],
  ['a header', 'Authorization: Bearer hunter2.hunter3', 'Authorization: …'],
  ['a Slack token', 'sent xoxb-123-hunter2abc', 'sent …'],
  [
    'a server statement',
    "STATEMENT:  INSERT INTO users VALUES ('hunter2', 42)",
    'STATEMENT:  INSERT INTO users VALUES (?, ?)',
  ],
  [
    'a logged duration',
    "LOG:  duration: 12.3 ms  statement: SELECT 'hunter2'",
    'LOG:  duration: 12.3 ms  statement: SELECT ?',
  ],
  ['SQLAlchemy', "[SQL: SELECT x]\n[parameters: {'a': 'hunter2'}]", '[SQL: SELECT x]\n…'],
  ['SQLAlchemy echo', "[generated in 0.00012s] ('hunter2', 4)", '[generated …'],
  ['a key in DETAIL', 'DETAIL:  Key (email)=(a@b.c) already exists.', 'DETAIL: …'],
  [
    'a deadlock in DETAIL',
    'DETAIL:  Process 7 waits for ShareLock on transaction 9; blocked by process 8.\nProcess 7: hunter2',
    'DETAIL:  Process 7 waits for ShareLock on transaction 9; blocked by process 8.',
  ],
  [
    'a value PostgreSQL could not read',
    'ERROR:  invalid input syntax for type integer: "hunter2"',
    'ERROR:  invalid input syntax for type integer: "…"',
  ],
  ['an e-mail address', 'mail to a.b+c@example.org failed', 'mail to …@… failed'],
];

test.for(examples)('%s', ([, text, expected]) => {
  expect(redactText(text)).toBe(expected);
});

test.for([
  'FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute',
  'FATAL:  too many connections for role "lim"',
  'sqlalchemy.exc.TimeoutError: QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00 (Background on this error at: https://sqlalche.me/e/20/3o7r)',
  'connection to server at "127.0.0.1", port 5432 failed: Connection refused',
  "couldn't get a connection after 30.00 sec",
])('what an operator needs stays whole: %s', (text) => {
  expect(redactText(text)).toBe(text);
});

const letters = fc.constantFrom('Ж', 'Z', 'J', 'é', '💥');
const secret = fc.array(letters, { minLength: 3, maxLength: 12 }).map((parts) => parts.join(''));

const contexts: readonly ((text: string) => string)[] = [
  (text) => `postgres://u:${text}@h/d`,
  (text) => `connect postgres://u:p/${text}@x@h:5432/d pool`,
  (text) => `password=${text} host=h`,
  (text) => `could not select a pool of postgres://u:${text}@h/d, password=${text}`,
  (text) => `SET x = y; token: ${text}, Bearer ${text}`,
  (text) => `"DATABASE_PASSWORD": "${text}"`,
  (text) => `api_key: '${text}'`,
  (text) => `ERROR: it said '${text}' and isn't done`,
  (text) => `don't know '${text}`,
  (text) => `STATEMENT:  SELECT $$${text}$$`,
  (text) => `update t set a = '${text}' where b`,
  (text) => `[SQL: SELECT 1]\n[parameters: ('x', "${text}")]`,
  (text) => `DETAIL:  Failing row contains (1, ${text}).`,
  (text) => `CONTEXT:  COPY t, line 1, column x: "${text}"`,
  (text) => `parameters: $1 = '${text}'`,
  (text) => `Authorization: Basic ${text}`,
];

test('a planted secret never survives, wherever the line is cut', () => {
  fc.assert(
    fc.property(secret, fc.constantFrom(...contexts), fc.nat({ max: 80 }), (text, context, cut) => {
      const line = `pool ${context(text)}`;
      const redacted = redactText(line.slice(0, Math.max(5, line.length - cut)));
      expect(redacted).not.toMatch(/[ЖZJé💥]/u);
    }),
    { numRuns: 2_000 },
  );
});

test.for(["'", 'password=', 'a@', 'https://', 'invalid ', 'x'.repeat(31) + ' ', 'update a '])(
  'a megabyte of %s is cut before it costs anything',
  (piece) => {
    expect(redactText(piece.repeat(200_000)).length).toBeLessThan(200_000);
  },
);
