import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const root = new URL('../..', import.meta.url);

/** `a/{b,c}.ts` as the files it names. */
function spell(path: string): readonly string[] {
  const [, before = '', choices = '', after = ''] = /^(.*?)\{([^{}]*)\}(.*)$/.exec(path) ?? [];
  if (choices === '') return [path];
  return choices.split(',').flatMap((choice) => spell(`${before}${choice}${after}`));
}

/** Read once: a document may name a file by its end. */
const files = globSync('{.*,bin,deploy,docs,sandbox,scripts,src,test}/**/*', {
  cwd: root,
  exclude: ['**/node_modules/**', '.git/**'],
}).concat(globSync('*', { cwd: root }));

test.for(globSync('{*.md,docs/*.md,deploy/*.md,src/**/*.md,sandbox/**/*.md}', { cwd: root }))(
  '%s names files that exist',
  (document) => {
    const text = readFileSync(new URL(document, root), 'utf8');
    const named = [...text.matchAll(/`([\w./{},-]+\/[\w.{},-]+\.(?:ts|mjs|sql|sh))`/g)];
    const missing = named
      .flatMap(([, path = '']) => spell(path))
      .filter((path) => !files.some((file) => file === path || file.endsWith(`/${path}`)));
    expect(missing).toEqual([]);
  },
);
