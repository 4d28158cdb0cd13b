import { parseEnv } from 'node:util';
import { array, assert, constantFrom, oneof, property, string, tuple } from 'fast-check';
import { expect, test } from 'vitest';
import { setVariables } from '../../src/docker/env-file/env-text.ts';

const numbers = { DATABASE_POOL_SIZE: 4, DATABASE_MAX_OVERFLOW: 2 };

test.for<[string, string, string]>([
  [
    'comments and order stay',
    '# pool\nA=1\nDATABASE_POOL_SIZE=10 # per process\nDATABASE_MAX_OVERFLOW=5\nB=2\n',
    '# pool\nA=1\nDATABASE_POOL_SIZE=4 # per process\nDATABASE_MAX_OVERFLOW=2\nB=2\n',
  ],
  [
    'quotes, export and spaces stay',
    'export DATABASE_POOL_SIZE="10"\nDATABASE_MAX_OVERFLOW = \'5\'  # more\n',
    'export DATABASE_POOL_SIZE="4"\nDATABASE_MAX_OVERFLOW = \'2\'  # more\n',
  ],
  [
    'a file from Windows keeps its line ends, also in what is added',
    'A=1\r\nDATABASE_POOL_SIZE=10\r\n',
    'A=1\r\nDATABASE_POOL_SIZE=4\r\nDATABASE_MAX_OVERFLOW=2\r\n',
  ],
  [
    'of two lines the last one counts, and is the one that changes',
    'DATABASE_POOL_SIZE=1\nDATABASE_POOL_SIZE=10\nDATABASE_MAX_OVERFLOW=5\n',
    'DATABASE_POOL_SIZE=1\nDATABASE_POOL_SIZE=4\nDATABASE_MAX_OVERFLOW=2\n',
  ],
  [
    'a missing end of line is not added to a line that only changes',
    'DATABASE_MAX_OVERFLOW=5\nDATABASE_POOL_SIZE=10',
    'DATABASE_MAX_OVERFLOW=2\nDATABASE_POOL_SIZE=4',
  ],
  [
    'what is missing comes at the end, on lines of its own',
    'A=1',
    'A=1\nDATABASE_POOL_SIZE=4\nDATABASE_MAX_OVERFLOW=2\n',
  ],
  ['an empty file gets both', '', 'DATABASE_POOL_SIZE=4\nDATABASE_MAX_OVERFLOW=2\n'],
  [
    'a commented line is no line',
    '#DATABASE_POOL_SIZE=10\nDATABASE_MAX_OVERFLOW=5\n',
    '#DATABASE_POOL_SIZE=10\nDATABASE_MAX_OVERFLOW=2\nDATABASE_POOL_SIZE=4\n',
  ],
  [
    'an empty value is a value',
    'DATABASE_POOL_SIZE=\nDATABASE_MAX_OVERFLOW=5\n',
    'DATABASE_POOL_SIZE=4\nDATABASE_MAX_OVERFLOW=2\n',
  ],
  [
    'a name that only begins alike is another name',
    'DATABASE_POOL_SIZE_MAX=9\nMY_DATABASE_POOL_SIZE=8\nDATABASE_POOL_SIZE=1\nDATABASE_MAX_OVERFLOW=1\n',
    'DATABASE_POOL_SIZE_MAX=9\nMY_DATABASE_POOL_SIZE=8\nDATABASE_POOL_SIZE=4\nDATABASE_MAX_OVERFLOW=2\n',
  ],
])('%s', ([, before, after]) => {
  expect(setVariables(before, numbers)).toBe(after);
});

test('a look-alike within a quoted value of several lines is left alone, and the edit refused', () => {
  const text = 'NOTE="before\nDATABASE_POOL_SIZE=10\nafter"\n';
  expect(setVariables(text, numbers)).toBeUndefined();
});

test('whatever stands in the file, either both numbers are read from it and nothing else changed, or it is refused', () => {
  const line = oneof(
    constantFrom(
      'DATABASE_POOL_SIZE=10',
      'export DATABASE_MAX_OVERFLOW="5"',
      "DATABASE_POOL_SIZE='x",
      '# a comment',
      'NOTE="open',
      'end"',
      '',
    ),
    string({ maxLength: 30 }),
  );
  const text = tuple(array(line, { maxLength: 8 }), constantFrom('\n', '\r\n')).map(
    ([lines, end]) => lines.join(end),
  );
  assert(
    property(text, (before) => {
      const after = setVariables(before, numbers);
      if (after === undefined) return;
      const expected = { DATABASE_POOL_SIZE: '4', DATABASE_MAX_OVERFLOW: '2' };
      expect(parseEnv(after)).toEqual({ ...parseEnv(before), ...expected });
    }),
    { numRuns: 500 },
  );
});
