import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

// Against a real engine: npx vitest run --config test/docker/vitest.config.ts
export default defineConfig({
  root: resolve(import.meta.dirname, '../..'),
  test: {
    include: ['test/docker/**/*.test.ts'],
    globalSetup: ['test/docker/make-images.ts'],
    // A stack is two or three containers; more than two at once crowd a two-core machine.
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 180_000,
  },
});
