import { defineConfig } from 'vitest/config';

// A browser on a slow, shared two-core machine needs a factor of five over what it takes here.
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['*.test.ts'],
    setupFiles: ['../setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // One browser at a time: two of them starve each other on two cores.
    maxWorkers: 1,
  },
});
