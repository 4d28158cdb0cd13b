import { readFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { globSync } from 'node:fs';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** An answer for the local Slack's `page` option. */
interface PageAnswer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string | Buffer;
}

const ROOT = fileURLToPath(new URL('.', import.meta.url));

/**
 * The only files there are, found once: a path is looked up here and never joined to a folder, so
 * that no spelling of `..` leads anywhere.
 */
const FILES: ReadonlyMap<string, string> = new Map(
  globSync(['index.html', 'app.svg', 'style/*.css', 'browser/**/*.ts'], { cwd: ROOT }).map(
    (path) => [`/${path.replaceAll('\\', '/')}`, `${ROOT}${path}`],
  ),
);

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.ts': 'application/javascript; charset=utf-8',
};

/** A message's own address: the page itself, which then goes to that message. */
const PERMALINK = /^\/archives\/[A-Z0-9]+\/p\d+$/;

/** Messages hold other people's text: nothing inline runs, and nothing is loaded from elsewhere. */
const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

/**
 * Serves the page's own files; undefined for every other path. The browser's TypeScript goes out
 * as JavaScript with its types blanked, so that lines and columns in its console are those of the
 * source. Read anew each time: a reload shows an edit.
 */
export async function servePage(path: string): Promise<PageAnswer | undefined> {
  const isPage = path === '/' || PERMALINK.test(path);
  const file = FILES.get(isPage ? '/index.html' : path);
  if (file === undefined) return undefined;
  const source = await readFile(file, 'utf8');
  const extension = extname(file);
  return {
    status: 200,
    headers: {
      ...SECURITY_HEADERS,
      'content-type': TYPES[extension] ?? 'application/octet-stream',
      'cache-control': 'no-cache',
    },
    body: extension === '.ts' ? stripTypeScriptTypes(source, { mode: 'strip' }) : source,
  };
}
