import { globSync, readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import type { TestProjectConfiguration } from 'vitest/config';

const suites = ['docker', 'alerts', 'browser', 'crash', 'endurance'];
const inSuites = suites.map((suite) => `test/${suite}/**`);
const long = 'test/**/*.long.test.ts';
/** These try the same in more than one way, of which `npm test` tries one. */
const ofManyWays = globSync('test/**/*.ts', { exclude: inSuites }).filter(
  (file) =>
    file.endsWith('.test.ts') &&
    /(?:breadth|shelves|variants)\.ts'/.test(readFileSync(file, 'utf8')),
);

/** What one `vitest run --project …` runs. */
function project(
  name: string,
  test: NonNullable<Extract<TestProjectConfiguration, { test?: unknown }>['test']>,
): TestProjectConfiguration {
  return {
    test: {
      name,
      setupFiles: ['test/setup.ts'],
      globalSetup: ['test/support/homes-folder.ts'],
      // A limit ends what hangs; nothing may depend on being fast.
      testTimeout: 120_000,
      hookTimeout: 120_000,
      ...test,
    },
  };
}

const together = {
  // Most files mostly wait for a real server: two workers more than processors fill the pauses.
  maxWorkers: 4,
  // Half of what most files cost is loading what they import: in one process it is loaded once.
  isolate: false,
  // Node itself loads the files, as it loads dbconn.
  experimental: { viteModuleRunner: false },
};

export default defineConfig({
  test: {
    projects: [
      project('main', {
        ...together,
        include: ['test/**/*.test.ts'],
        exclude: [...inSuites, long],
      }),
      project('more', {
        ...together,
        include: [long, ...ofManyWays],
        exclude: inSuites,
        env: { DBCONN_TEST_OTHER_WAYS: 'yes' },
      }),
      project('docker', {
        include: ['test/docker/**/*.test.ts'],
        globalSetup: ['test/support/homes-folder.ts', 'test/docker/make-images.ts'],
        // A stack is two or three containers; more than two at once crowd a two-core machine.
        maxWorkers: 2,
        hookTimeout: 180_000,
      }),
      project('alerts', {
        include: ['test/alerts/**/*.test.ts'],
        maxWorkers: 1,
        testTimeout: 150_000,
      }),
      project('browser', { include: ['test/browser/**/*.test.ts'], maxWorkers: 1 }),
      project('crash', {
        include: ['test/crash/**/*.test.ts'],
        maxWorkers: 2,
        testTimeout: 600_000,
      }),
      project('endurance', {
        include: ['test/endurance/**/*.test.ts'],
        maxWorkers: 1,
        testTimeout: 180_000,
        hookTimeout: 300_000,
      }),
    ],
  },
});
