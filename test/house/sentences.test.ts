import { globSync, readFileSync } from 'node:fs';
import { parseAst } from 'rolldown/parseAst';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { faultsOfText } from '../support/plain-english.ts';

const root = new URL('../..', import.meta.url);

/** Whose every sentence people read, whatever a night has to be like to bring it out. */
const files = [
  'src/runbook/diagnose/**/*.ts',
  'src/runbook/snapshot/*.ts',
  'src/postgres/{failure,lifeline}.ts',
  'src/postgres/connect/*.ts',
  'src/{pgbouncer,pool-metrics,docker}/**/*.ts',
  'src/runbook/reports/advice/*.ts',
  'src/runbook/reports/prevention.ts',
  'src/slack/messages/{status,sessions,pool,logs,prevention,frame,diagnosis-parts}.ts',
  'src/terminal/render/{diagnosis,sections,prevention}.ts',
  'src/runbook/{incidents,escalation,loop}/*.ts',
  'src/runbook/reports/{report,reporter,to-markdown,write-report}.ts',
  'src/slack/messages/{incident-*,incidents,report,notice}.ts',
  'src/slack/home/*.ts',
  'src/slack/live/{incident-*,post-report}.ts',
  'src/slack/handlers/{incident-*,checklist-tick,press}.ts',
  'src/pagers/*.ts',
].flatMap((pattern) => globSync(pattern, { cwd: root, exclude: ['**/doctor.ts'] }));

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
