import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { redactSql, scanSql } from '../../../src/runbook/snapshot/redaction/redact-sql.ts';

const examples: readonly (readonly [string, string, string])[] = [
  [
    'strings and numbers',
    "SELECT * FROM t WHERE a = 'x''y' AND b > 4.5e-3",
    'SELECT * FROM t WHERE a = ? AND b > ?',
  ],
  [
    'names and parameters stay',
    'SELECT "u"."id", $1 FROM "users" AS "u"',
    'SELECT "u"."id", $1 FROM "users" AS "u"',
  ],
  ['digits within names stay', 'SELECT a1 FROM t_2026', 'SELECT a1 FROM t_2026'],
  ['line comments', 'SELECT 1 -- customer 4711\nFROM t', 'SELECT ?  \nFROM t'],
  ['nested comments', 'SELECT /* a /* b */ c */ x', 'SELECT   x'],
  ['a comment that never ends', 'SELECT x /* secret', 'SELECT x  '],
  ['a string that never ends', "SELECT 'secret", 'SELECT ?'],
  [
    'dollar quotes',
    "DO $body$ secret 'x' $other$ $body$ LANGUAGE plpgsql",
    'DO ? LANGUAGE plpgsql',
  ],
  ['dollar quotes that never end', 'DO $$ secret', 'DO ?'],
  ['escape strings', String.raw`SELECT E'a\'b', c`, 'SELECT ?, c'],
  [
    'unicode, bit, hex and national strings',
    "SELECT U&'d!0061' UESCAPE '!', B'01', x'1F', N'n'",
    'SELECT ? UESCAPE ?, ?, ?, ?',
  ],
  ['hexadecimal and grouped numbers', 'SELECT 0xBEEF, 1_000, .5', 'SELECT ?, ?, .?'],
  ['a backslash before a quote blanks what follows', String.raw`SELECT 'a\', 'b', c`, 'SELECT ?'],
  ['COPY PROGRAM', "COPY t FROM PROGRAM 'curl secret'", 'COPY t FROM PROGRAM ?'],
  ['COMMENT ON', "COMMENT ON TABLE t IS 'secret'", 'COMMENT ON TABLE t IS ?'],
  [
    'ALTER ROLE',
    "ALTER ROLE r PASSWORD 'secret' VALID UNTIL 'x'",
    'ALTER ROLE r PASSWORD ? VALID UNTIL ?',
  ],
  [
    'a password without quotes',
    'ALTER USER r WITH PASSWORD secret',
    'ALTER USER r WITH PASSWORD ?',
  ],
  [
    'ALTER SYSTEM',
    "ALTER SYSTEM SET primary_conninfo = 'password=secret'",
    'ALTER SYSTEM SET primary_conninfo = ?',
  ],
  [
    'settings without quotes',
    'SET app.token TO secret, "more"; SELECT x',
    'SET app.token TO ?, "?"; SELECT x',
  ],
  [
    'DEFAULT and ENUM',
    "CREATE TYPE e AS ENUM ('secret'); ALTER TABLE t ALTER c SET DEFAULT 'secret'",
    'CREATE TYPE e AS ENUM (?); ALTER TABLE t ALTER c SET DEFAULT ?',
  ],
  [
    'EXECUTE and PREPARE TRANSACTION',
    "EXECUTE p('secret'); PREPARE TRANSACTION 'secret'",
    'EXECUTE p(?); PREPARE TRANSACTION ?',
  ],
  ['CREATE VIEW', "CREATE VIEW v AS SELECT 'secret' AS s", 'CREATE VIEW v AS SELECT ? AS s'],
  [
    "a double-quoted word in a value's place",
    'SELECT * FROM users WHERE email = "secret"',
    'SELECT * FROM users WHERE email = "?"',
  ],
  ['a double-quoted word that is no name', 'SELECT * FROM "a secret"', 'SELECT * FROM "?"'],
  ['a column called password', 'SELECT password FROM users', 'SELECT password FROM users'],
  ['UPDATE keeps its columns', 'UPDATE t SET a = b WHERE c = 1', 'UPDATE t SET a = b WHERE c = ?'],
];

/** Lone halves of surrogate pairs included. */
function anyText(maxLength: number): fc.Arbitrary<string> {
  const point = fc.oneof(fc.integer({ min: 0, max: 0x7f }), fc.integer({ min: 0, max: 0x10_ffff }));
  return fc.array(point, { maxLength }).map((points) => String.fromCodePoint(...points));
}

test.for(examples)('%s', ([, sql, expected]) => {
  expect(redactSql(sql)).toBe(expected);
});

/** Letters no keyword of the templates holds, so that a survivor cannot be mistaken. */
const secret = fc
  .array(
    fc.constantFrom(
      'Q',
      'q',
      'Z',
      'z',
      '7',
      '\\',
      "'",
      '"',
      '$',
      ' ',
      '\n',
      '-',
      '/',
      '*',
      'é',
      '💥',
      ';',
    ),
    {
      minLength: 1,
      maxLength: 12,
    },
  )
  .map((parts) => `QZ7QZ${parts.join('')}QZ7QZ`);

const quotations: readonly ((text: string) => string)[] = [
  (text) => `'${text.replaceAll("'", "''").replaceAll('\\', '')}'`,
  // standard_conforming_strings on, and off.
  (text) => `'${text.replaceAll("'", "''")}'`,
  (text) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`)}'`,
  (text) => `E'${text.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`)}'`,
  (text) => `$t$${text.replaceAll('$', '')}$t$`,
  (text) => `/* ${text.replaceAll('*', '').replaceAll('/', '')} */ 1`,
  (text) => `1 -- ${text.replaceAll('\n', ' ')}\n`,
  (text) => `"${text.replaceAll('"', '""')} "`,
];

const templates: readonly ((constant: string) => string)[] = [
  (constant) => `SELECT a, ${constant}, b FROM "t" WHERE c = ${constant}`,
  (constant) => `INSERT INTO t(a) VALUES (${constant}), (${constant}) RETURNING *`,
  (constant) => `ALTER ROLE r PASSWORD ${constant}`,
  (constant) => `SET a.b = ${constant}; SELECT x`,
  (constant) => `WITH x AS (SELECT ${constant}) SELECT f(${constant}, g) FROM x`,
  (constant) => `COPY t TO PROGRAM ${constant}; COMMENT ON TABLE t IS ${constant}`,
];

test('a planted constant never survives, wherever the text is cut', () => {
  fc.assert(
    fc.property(
      fc.tuple(secret, fc.constantFrom(...quotations), fc.constantFrom(...templates)),
      fc.double({ min: 0.2, max: 1, noNaN: true }),
      ([text, quote, template], share) => {
        const sql = template(quote(text));
        const redacted = redactSql(sql.slice(0, Math.ceil(sql.length * share)));
        expect(redacted).not.toMatch(/[qz7💥]|QZ/iu);
      },
    ),
    { numRuns: 2_000 },
  );
});

test('the tokens of any text give the text back', () => {
  fc.assert(
    fc.property(anyText(80), (text) => {
      expect(
        scanSql(text)
          .map((token) => token.text)
          .join(''),
      ).toBe(text);
    }),
    { numRuns: 2_000 },
  );
});

test('what is redacted once stays as it is', () => {
  fc.assert(
    fc.property(fc.constantFrom(...templates), secret, (template, text) => {
      const once = redactSql(template(`'${text.replaceAll(/['\\]/g, '')}'`));
      expect(redactSql(once)).toBe(once);
    }),
  );
});

test.for([
  ["'", 400_000],
  ['/*', 400_000],
  ['$a$', 200_000],
  ['(', 400_000],
  [String.raw`\'`, 200_000],
  ['"', 400_000],
  ['1', 400_000],
] as const)('a megabyte of %s is no burden and no overflow', ([piece, times]) => {
  expect(typeof redactSql(`SELECT ${piece.repeat(times)}`)).toBe('string');
});
