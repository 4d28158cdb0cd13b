#!/usr/bin/env node
// dbconn in a terminal: the bundle that `npm ci` makes, or where there is none the sources, which start slower.
import { existsSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

const [major, minor] = process.versions.node.split('.').map(Number);
const isNew = major > 24 || (major === 24 && minor >= 12);
const bundle = at('dist/cli.js');
const isBundled = existsSync(bundle);
// These need nothing that an older Node lacks, and a second process would take longer than they do.
const isSimple = isBundled && ['help', '--help', '-h', 'completion'].includes(process.argv[2]);

if (isNew || isSimple) {
  // Node keeps quiet about what dependencies use, but in the bundle it cannot tell them from dbconn.
  process.noDeprecation = isBundled;
  module.enableCompileCache?.(at('node_modules/.cache/dbconn'));
  await import(isBundled ? bundle : at('src/cli.ts'));
} else {
  await runByOwnNode(at('node_modules/.bin/node'));
}

/** The one that `npm ci` brought along. */
async function runByOwnNode(node) {
  if (!existsSync(node)) {
    console.error(
      `dbconn needs Node 24.12 or newer, this is ${process.version}. Run "npm ci" first.`,
    );
    process.exit(3);
  }
  const { spawnSync } = await import('node:child_process');
  const words = process.argv.slice(2);
  const { status } = spawnSync(node, [fileURLToPath(import.meta.url), ...words], {
    stdio: 'inherit',
  });
  process.exit(status ?? 3);
}
