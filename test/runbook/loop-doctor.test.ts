import { expect, test } from 'vitest';
import { tryOptions } from '../../src/runbook/loop/try-options.ts';
import type { Check } from '../../src/runbook/diagnose/doctor.ts';
import type { PoolSettings } from '../../src/runbook/remedies/e-resize-pool/ports.ts';
import { systemClock } from '../../src/timing.ts';
import { aProblem, aReplica, aServiceReading, aSnapshot, aTarget } from './diagnose/builders.ts';

const never = (): Promise<never> => Promise.reject(new Error('Doctor changes nothing.'));

/** What may resize the pools of every service but these; whatever changes something fails. */
function poolSettings(problems: Readonly<Record<string, string>>): PoolSettings {
  return {
    planEdit: ({ service }) => {
      const problem = problems[service];
      if (problem !== undefined) {
        return Promise.resolve({
          ok: false,
          problem: { ...aProblem('unsupported'), summary: problem },
        });
      }
      const edit = {
        path: '/srv/.env',
        copyPath: '/srv/.env.kept',
        oldSha256: null,
        newSha256: '',
      };
      const value = { edit, set: {}, file: '.env', sharedWith: [], assumed: false };
      return Promise.resolve({ ok: true, value });
    },
    readObstacles: () => Promise.resolve([]),
    keepCopy: never,
    writeEdit: never,
    putBack: never,
    removeCopy: never,
    recreateReplica: never,
    settleReplica: never,
  };
}

function resize(settings: PoolSettings, neverRestart: readonly string[] = []): Promise<Check[]> {
  const services = ['backend', 'reports'].map((name) =>
    aServiceReading({ name, replicas: [aReplica()] }),
  );
  const target = { ...aTarget(), canResize: true, neverRestart };
  const snapshot = aSnapshot({ services: { services } });
  const adapters = { target, poolSettings: settings };
  return tryOptions({ adapters, snapshot, trials: [], clock: systemClock });
}

test('each service says whether its pool can be resized, and one is enough for option E', async () => {
  const reason = 'DATABASE_POOL_SIZE of reports is written in compose.yml, line 14.';
  expect(await resize(poolSettings({ reports: reason }))).toMatchObject([
    { state: 'ok', summary: 'Option E can resize backend in .env.' },
    { state: 'off', summary: `Option E cannot resize reports: ${reason}` },
  ]);
});

test('where no service can be resized, option E cannot run', async () => {
  const checks = await resize(poolSettings({ backend: 'It is fixed.', reports: 'It is fixed.' }));
  expect(checks.map(({ stops }) => stops)).toEqual([['E'], ['E']]);
});

test('what hangs on a container that would be replaced is an obstacle', async () => {
  const readObstacles: PoolSettings['readObstacles'] = (ids) =>
    Promise.resolve(ids.map((id) => ({ id, reason: 'it is removed when it stops' })));
  const checks = await resize({ ...poolSettings({}), readObstacles }, ['reports']);
  expect(checks).toMatchObject([
    { summary: 'Option E cannot recreate backend: it is removed when it stops.', stops: ['E'] },
  ]);
});

test('an answer that never comes ends, and promises nothing', async () => {
  const silent = { ...poolSettings({}), planEdit: () => new Promise<never>(() => undefined) };
  expect(await resize(silent)).toMatchObject([
    { state: 'warning', summary: 'Option E could not be tried within 2.5 s.', stops: ['E'] },
  ]);
});
