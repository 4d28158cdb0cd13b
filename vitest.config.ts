import { defineConfig } from 'vitest/config';

// A slow, shared two-core machine needs a factor of five over what the tests take here.
const patience = { testTimeout: 30_000, hookTimeout: 60_000 };

export default defineConfig({
  test: {
    ...patience,
    // Most files mostly wait for a real server: a third one fills the pauses of the two that compute.
    maxWorkers: 3,
    // Half of the processor time of most files is loading what they import: in one process it is loaded once. What a
    // test starts it ends, so that the next file finds nothing of it.
    isolate: false,
    setupFiles: ['test/setup.ts'],
    include: ['test/**/*.test.ts'],
    // These need an engine, a browser or minutes: `.ci/run` runs them by name.
    exclude: ['docker', 'alerts', 'browser', 'endurance', 'crash'].map(
      (suite) => `test/${suite}/**`,
    ),
  },
});
