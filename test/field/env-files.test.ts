import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { envEdits, planFileEdit } from '../../src/docker/env-file/env-file.ts';

/** `.env` files as people have them, given to option E. */

const numbers = { DATABASE_POOL_SIZE: 4, DATABASE_MAX_OVERFLOW: 2 };
const rest = 'DATABASE_MAX_OVERFLOW=10\nPASSWORD=hunter2\n';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'dbconn-field-env-'));
  path = join(directory, '.env');
});
afterEach(() => rmSync(directory, { recursive: true }));

/** What the plan says to a file of these bytes; empty where it is taken. */
async function refusal(bytes: Buffer | string): Promise<string> {
  writeFileSync(path, bytes);
  const planned = await planFileEdit(path, numbers);
  return planned.ok ? '' : `${planned.problem.summary} ${planned.problem.fix ?? ''}`;
}

/** The file after the edit. */
async function edited(text: string): Promise<string> {
  writeFileSync(path, text);
  const planned = await planFileEdit(path, numbers);
  if (!planned.ok) throw new Error(planned.problem.summary);
  await envEdits.writeEdit(planned.value, numbers);
  return readFileSync(path, 'utf8');
}

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
const key = 'KEY="-----BEGIN KEY-----\nDATABASE_POOL_SIZE=1\n-----END KEY-----"\n';

test.for<[string, Buffer | string, RegExp]>([
  [
    'Latin-1 in a comment',
    latin1(`# Größe des Pools\nDATABASE_POOL_SIZE=5\n${rest}`),
    /line 1 of .*\.env is in another encoding than UTF-8, such as Latin-1.*Save it as UTF-8/,
  ],
  [
    'Latin-1 in a value further down',
    latin1(`DATABASE_POOL_SIZE=5\n${rest}GREETING=schön\n`),
    /line 4 of .* another encoding than UTF-8/,
  ],
  [
    'UTF-16, as PowerShell redirects it',
    Buffer.from(`\uFEFFDATABASE_POOL_SIZE=5\r\n${rest}`, 'utf16le'),
    /is in UTF-16, not in UTF-8\. Save it as UTF-8/,
  ],
  [
    'a byte order mark before the variable',
    `\uFEFFDATABASE_POOL_SIZE=5\n${rest}`,
    /^Line 1 .* begins with a byte order mark, so it does not set DATABASE_POOL_SIZE\. .*without a byte order mark/,
  ],
  [
    'a byte order mark before export',
    `\uFEFFexport DATABASE_POOL_SIZE=5\n${rest}`,
    /^Line 1 .* byte order mark/,
  ],
  [
    'two files put together, the second with its mark',
    `${rest}\uFEFFDATABASE_POOL_SIZE=5\n`,
    /^Line 3 .* byte order mark/,
  ],
  [
    'a no-break space before the sign',
    `DATABASE_POOL_SIZE\u00A0=5\n${rest}`,
    /^Line 1 .* has a character next to DATABASE_POOL_SIZE that looks like a space and is not one/,
  ],
  [
    'a look-alike after the variable, within a key of several lines',
    `DATABASE_MAX_OVERFLOW=10\nDATABASE_POOL_SIZE=5\n${key}`,
    /^Line 4 .* looks like DATABASE_POOL_SIZE=…, but is within the quoted value of another variable\. Move the line/,
  ],
  [
    'a look-alike of the other number',
    `DATABASE_POOL_SIZE=5\n${rest}NOTE='\nexport DATABASE_MAX_OVERFLOW=3 # old\n'\n`,
    /^Line 5 .* looks like DATABASE_MAX_OVERFLOW=…/,
  ],
])('%s is named, and nothing of the file with it', async ([, bytes, sentence]) => {
  const said = await refusal(bytes);
  expect(said).toMatch(sentence);
  expect(said).not.toMatch(/hunter2|BEGIN|PASSWORD|KEY/);
  expect(readFileSync(path).equals(Buffer.from(bytes))).toBe(true);
});

test('following the advice about a look-alike lets it through', async () => {
  const text = `DATABASE_MAX_OVERFLOW=10\n${key}DATABASE_POOL_SIZE=5\n`;
  expect(parseEnv(await edited(text))).toEqual({
    ...parseEnv(text),
    DATABASE_POOL_SIZE: '4',
    DATABASE_MAX_OVERFLOW: '2',
  });
});

test.for<[string, string, string]>([
  [
    'line ends of Windows, export, quotes, a comment and no last line end',
    `export DATABASE_POOL_SIZE="5"  # per worker\r\nexport DATABASE_MAX_OVERFLOW='10'\r\nLAST=x`,
    `export DATABASE_POOL_SIZE="4"  # per worker\r\nexport DATABASE_MAX_OVERFLOW='2'\r\nLAST=x`,
  ],
  [
    'the last of two lines, a reference, and a value with = and #',
    'DATABASE_POOL_SIZE=5\nDATABASE_POOL_SIZE=7\nDATABASE_MAX_OVERFLOW=${OVERFLOW:-10}\nPASS=a=b#c$d\n',
    'DATABASE_POOL_SIZE=5\nDATABASE_POOL_SIZE=4\nDATABASE_MAX_OVERFLOW=2\nPASS=a=b#c$d\n',
  ],
  [
    'a byte order mark before a comment',
    `\uFEFF# the pool\nDATABASE_POOL_SIZE=5\nDATABASE_MAX_OVERFLOW=10\n`,
    `\uFEFF# the pool\nDATABASE_POOL_SIZE=4\nDATABASE_MAX_OVERFLOW=2\n`,
  ],
  [
    'umlauts in UTF-8',
    '# Größe des Pools\nDATABASE_POOL_SIZE=5\nDATABASE_MAX_OVERFLOW=10\n',
    '# Größe des Pools\nDATABASE_POOL_SIZE=4\nDATABASE_MAX_OVERFLOW=2\n',
  ],
])('%s: only the two numbers change', async ([, before, after]) => {
  expect(await edited(before)).toBe(after);
});
