#!/usr/bin/env node
// dbconn needs a Node that runs TypeScript; this one may be older, the one in node_modules is not.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const bundled = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));
const node = existsSync(bundled) ? bundled : process.execPath;
if (node === process.execPath && Number(process.versions.node.split('.')[0]) < 24) {
  console.error(
    `dbconn needs Node 24.12 or newer, this is ${process.version}. Run "npm ci" first.`,
  );
  process.exit(3);
}
const cli = fileURLToPath(new URL('../src/cli.ts', import.meta.url));
const { status } = spawnSync(node, [cli, ...process.argv.slice(2)], { stdio: 'inherit' });
process.exit(status ?? 3);
