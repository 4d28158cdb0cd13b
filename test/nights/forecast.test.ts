import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Diagnosis } from '../../src/runbook/diagnose/diagnosis.ts';
import type { TargetMonitor } from '../../src/runbook/loop/target-monitor.ts';
import { MovingClock } from '../runbook/incidents/moving-clock.ts';
import { watch } from './support/night.ts';
import { variants } from './support/variants.ts';
import { useNightServer } from './support/night-server.ts';

/** Night 19: a few connections in a row, or one step, and then nothing more. That is no growth to continue. */
const server = useNightServer({ settings: { max_connections: 60 } });

describe.each(variants)(
  'what came and stopped coming ($seed)',
  ({ seeded, user, applications }) => {
    const step = seeded.between(12, 25);
    const few = seeded.between(4, 5);
    const pauseMs = seeded.between(10, 15) * 1_000;
    let clock: MovingClock;
    let monitor: TargetMonitor;

    const open = (count: number): Promise<unknown> =>
      server.sessions.openMany(count, { user, application: applications[0] });
    /** One check, and the clock at the next one. */
    const check = async (afterMs = pauseMs): Promise<Diagnosis> => {
      const diagnosis = await monitor.diagnose('night');
      await clock.move(afterMs);
      return diagnosis;
    };
    const checkFor = async (ms: number): Promise<Diagnosis[]> => {
      const found: Diagnosis[] = [];
      for (let past = 0; past < ms; past += pauseMs) found.push(await check());
      return found;
    };
    const expectNoForecast = (diagnoses: readonly Diagnosis[]): void => {
      for (const { headline, forecast } of diagnoses) {
        expect(forecast.minutesUntilFull).toBeNull();
        expect(headline).not.toContain('full in');
      }
    };

    beforeAll(() => server.sessions.ask(`CREATE ROLE ${user} LOGIN`));
    beforeEach(async () => {
      clock = new MovingClock();
      monitor = watch(server.cluster, { clock });
      await open(seeded.between(4, 8));
    });
    afterEach(async () => {
      await monitor.close();
      await server.sessions.endAll();
    });

    test('a few connections within seconds are no forecast, and soon it is flat', async () => {
      const coming = [await check(4_000)];
      for (let come = 0; come < few; come += 1) {
        await open(1);
        coming.push(await check(4_000));
      }
      const after = await checkFor(4 * 60_000);
      expectNoForecast([...coming, ...after]);
      expect(after.at(-1)?.forecast.reason).toMatch(/^Flat for (3|4) minutes/);
    });

    test('one step is no forecast, and the time since it is said', async () => {
      const before = await checkFor(2 * 60_000);
      await open(step);
      const after = await checkFor(10 * 60_000);
      expectNoForecast([...before, ...after]);
      expect(after[0]?.state).toBe('fine');
      const last = after.at(-1)?.forecast;
      expect(last?.connectionsPerMinute).toBe(0);
      expect(last?.reason).toMatch(new RegExp(`^Flat for (9|10) minutes after ${step} opened`));
    });

    test('what goes on growing is a forecast, until it stops', async () => {
      await checkFor(60_000);
      let last: Diagnosis | undefined;
      for (let come = 0; come < 8; come += 1) {
        await open(3);
        last = await check();
      }
      expect(last?.headline).toContain('full in about');
      const perMinute = (3 * 60_000) / pauseMs;
      expect(last?.forecast.connectionsPerMinute).toBeGreaterThan(perMinute * 0.8);
      expect(last?.forecast.connectionsPerMinute).toBeLessThan(perMinute * 1.2);
      const after = await checkFor(3 * 60_000);
      expectNoForecast(after.slice(-4));
      expect(after.at(-1)?.forecast.reason).toMatch(/^Flat for/);
    });
  },
);
