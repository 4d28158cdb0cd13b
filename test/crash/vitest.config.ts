import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

// SIGKILL at every write to the journal: npx vitest run --config test/crash/vitest.config.ts
export default defineConfig({
  root: resolve(import.meta.dirname, '../..'),
  test: {
    include: ['test/crash/**/*.test.ts'],
    // A process is started for every point; two matrices at once would only wait for each other.
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 60_000,
  },
});
