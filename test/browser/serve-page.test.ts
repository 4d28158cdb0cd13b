import { globSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { servePage } from '../../sandbox/page/page.ts';

const FOLDER = new URL('../../sandbox/page/', import.meta.url);

describe('what the page serves', () => {
  test('the page itself, with a policy that runs nothing inline', async () => {
    const answer = await servePage('/');
    expect(answer?.status).toBe(200);
    expect(answer?.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(answer?.headers['content-security-policy']).not.toContain('unsafe');
    expect(String(answer?.body)).not.toMatch(
      / style=|<style|<script(?! type="module" src=)| on\w+=/,
    );
  });

  test('every file of the browser as JavaScript without a type in it', async () => {
    const files = globSync('browser/**/*.ts', { cwd: FOLDER });
    expect(files.length).toBeGreaterThan(30);
    for (const file of files) {
      const answer = await servePage(`/${file}`);
      expect(answer?.headers['content-type']).toBe('application/javascript; charset=utf-8');
      expect(String(answer?.body)).not.toMatch(/^(?:import type|export interface|export type) /m);
    }
  });

  test('the page under the address of a message', async () => {
    const answer = await servePage('/archives/C0DATABASE/p1700000000123456');
    expect(answer?.body).toEqual((await servePage('/'))?.body);
  });

  test.for([
    '/archives/C0DATABASE/p17/../../page.ts',
    '/page.ts',
    '/browser/tsconfig.json',
    '/browser/../page.ts',
    '/../../package.json',
    '/%2e%2e/page.ts',
    '/style/',
    '/style',
    '/browser//main.ts',
    '//etc/passwd',
    '',
  ])('nothing for %j', async (path) => {
    expect(await servePage(path)).toBeUndefined();
  });
});
