import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

// Crowds and every major: npx vitest run --config test/endurance/vitest.config.ts
export default defineConfig({
  root: resolve(import.meta.dirname, '../..'),
  test: {
    include: ['test/endurance/**/*.test.ts'],
    // 5,000 sessions are 2 GB and both cores: nothing else may run beside them.
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 300_000,
  },
});
