import type { KnipConfig } from 'knip';

export default {
  // Beside what package.json starts and vitest.config.ts runs. A `!` is for what works without tests.
  entry: [
    '{bench/bench,sandbox/demo,sandbox/page/browser/main}.ts!',
    'src/{main,cli}.ts!',
    'bin/*.mjs!',
    'scripts/*.mjs',
    'test/docker/install/socket-proxy.ts',
    'test/fixtures/bundles/seal-drills.ts',
  ],
  project: ['{src,sandbox,bench,bin}/**/*.{ts,mjs}!', '{scripts,test}/**/*.{ts,mjs}'],
  // What a file exports for its tests is no code for tests alone where the file uses it itself.
  ignoreExportsUsedInFile: process.argv.includes('--production'),
  // Programs of the machine's; where they are not installed the tests that need them are left out.
  ignoreBinaries: ['dockerd', 'mkfifo', 'pgbench', 'pgbouncer', 'promtool', 'script'],
} satisfies KnipConfig;
