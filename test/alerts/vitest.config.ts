import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

// With real Prometheus, Alertmanager and postgres_exporter: npx vitest run --config test/alerts/vitest.config.ts
export default defineConfig({
  root: resolve(import.meta.dirname, '../..'),
  test: {
    include: ['test/alerts/**/*.test.ts'],
    // A chain is five processes that each do something every second.
    maxWorkers: 1,
    testTimeout: 150_000,
    hookTimeout: 60_000,
  },
});
