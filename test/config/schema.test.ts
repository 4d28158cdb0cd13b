import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { configSchema } from '../../src/terminal/commands/config-command.ts';

const docs = new URL('../../docs/', import.meta.url);

test('the schema in docs is the one that dbconn prints: `dbconn config schema > docs/dbconn.schema.json`', () => {
  const written: unknown = JSON.parse(readFileSync(new URL('dbconn.schema.json', docs), 'utf8'));
  expect(written).toEqual(configSchema());
});

test('an editor takes the example by it, and marks a key that is misspelt', () => {
  const schema = z.fromJSONSchema(configSchema());
  const example: unknown = parse(readFileSync(new URL('dbconn.example.yml', docs), 'utf8'));
  expect(schema.safeParse(example).error).toBeUndefined();
  expect(schema.safeParse({ ...z.looseObject({}).parse(example), tragets: [] }).success).toBe(
    false,
  );
});
