#!/usr/bin/env node
// The bundle that `npm ci` makes, or where there is none the sources, which start slower.
import { existsSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 24 || (major === 24 && minor < 12)) {
  console.error(
    `dbconn needs Node 24.12 or newer, this is ${process.version}. Run "npm ci", which brings one, and start it as "npx dbconn".`,
  );
  process.exit(3);
}
const bundle = at('dist/cli.js');
const isBundled = existsSync(bundle);
// Node keeps quiet about what dependencies use, but in the bundle it cannot tell them from dbconn.
process.noDeprecation = isBundled;
module.enableCompileCache(at('node_modules/.cache/dbconn'));
await import(isBundled ? bundle : at('src/cli.ts'));
