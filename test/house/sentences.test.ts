import { globSync, readFileSync } from 'node:fs';
import { parseAst } from 'rolldown/parseAst';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { faultsOfText } from '../support/plain-english.ts';

const root = new URL('../..', import.meta.url);

/** Whose every sentence people read, whatever a night has to be like to bring it out. */
const files = globSync('src/**/*.ts', {
  cwd: root,
  // Statements in SQL, and its words.
  exclude: ['src/postgres/{snapshot,privileged}/*', 'src/runbook/snapshot/redaction/*'],
});

const Template = z.object({
  quasis: z.array(z.object({ value: z.object({ cooked: z.string() }) })),
});

/** A string or a template of the source, a filled-in value as one word. */
function textsOf(node: unknown): readonly string[] {
  if (Array.isArray(node)) return node.flatMap(textsOf);
  if (typeof node !== 'object' || node === null) return [];
  if ('type' in node && node.type === 'ImportDeclaration') return [];
  const inner = Object.values(node).flatMap(textsOf);
  if ('value' in node && 'type' in node && node.type === 'Literal') {
    return typeof node.value === 'string' ? [node.value] : [];
  }
  const template = Template.safeParse(node);
  if (!template.success) return inner;
  return [template.data.quasis.map(({ value }) => value.cooked).join('X'), ...inner];
}

test.for(files)('every sentence of %s is plain English', (file) => {
  const source = readFileSync(new URL(file, root), 'utf8');
  const texts = textsOf(parseAst(source, { lang: 'ts' }));
  const sentences = texts.filter((text) => /\w \w+ \w/.test(text));
  expect(sentences.flatMap((text) => faultsOfText(text))).toEqual([]);
});
