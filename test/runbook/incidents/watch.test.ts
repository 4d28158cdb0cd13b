import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Watch } from '../../../src/runbook/loop/check-targets.ts';
import { noMeter } from '../../../src/runbook/escalation/ports.ts';
import type { TargetCheck } from '../../../src/runbook/diagnose/evidence.ts';
import { MovingClock } from './moving-clock.ts';
import { openIncidentSetup, used } from './incident-setup.ts';
import type { IncidentSetup } from './incident-setup.ts';

type WatchParts = ConstructorParameters<typeof Watch>[0];

describe('the watch', () => {
  let setup: IncidentSetup;
  let clock: MovingClock;
  let watch: Watch | undefined;
  let begun: { target: string; atMs: number }[];
  let examined: TargetCheck[];
  let faults: unknown[];
  beforeEach(async () => {
    setup = await openIncidentSetup();
    clock = new MovingClock();
    [begun, examined, faults] = [[], [], []];
  });
  afterEach(async () => {
    const stopped = watch?.stop();
    // A look may be under way, and ends with the clock.
    await clock.move(1000);
    await stopped;
    setup.close();
    if (clock.sleeping > 0) throw new Error('Somebody sleeps on.');
  });

  const watching = (parts: Partial<WatchParts> = {}): Watch => {
    watch = new Watch({
      targets: ['shop'],
      runCheck: async (target) => {
        begun.push({ target, atMs: clock.now() });
        await clock.sleep(100);
        return setup.look(used(20), target);
      },
      everyMs: 15_000,
      clock,
      meter: noMeter,
      onChecked: async (one) => void examined.push(one),
      onFault: (_target, error) => void faults.push(error),
      ...parts,
    });
    return watch;
  };

  test('looks every 15 s, give or take a tenth', async () => {
    watching().start();
    await clock.move(15 * 60_000);
    const pauses = begun.slice(1).map(({ atMs }, index) => atMs - (begun[index]?.atMs ?? 0));
    expect(pauses.length).toBeGreaterThan(50);
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(13_500);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(16_500);
    expect(new Set(pauses).size).toBeGreaterThan(10);
  });

  test('the first looks of many targets are spread over the interval', async () => {
    const targets = Array.from({ length: 100 }, (_, index) => `t${index}`);
    watching({ targets }).start();
    await clock.move(15_200);
    const seconds = new Set(
      begun.map(({ atMs }) => Math.floor((atMs - (begun[0]?.atMs ?? 0)) / 1500)),
    );
    expect(new Set(begun.map(({ target }) => target)).size).toBe(100);
    expect(seconds.size).toBeGreaterThan(7);
  });

  test('a target that never answers delays no other one, and is never looked at twice at once', async () => {
    const runCheck: WatchParts['runCheck'] = async (target) => {
      begun.push({ target, atMs: clock.now() });
      if (target === 'dead') await clock.sleep(3_600_000);
      return setup.look(used(20), 'shop');
    };
    watching({ targets: ['dead', 'shop'], runCheck }).start();
    await clock.move(15 * 60_000);
    expect(begun.filter(({ target }) => target === 'dead')).toHaveLength(1);
    expect(begun.filter(({ target }) => target === 'shop').length).toBeGreaterThan(50);
    await clock.move(3_600_000);
    // Whoever stops it waits for the look that is under way.
    const stopped = watch?.stop();
    await clock.move(3_600_000);
    await stopped;
  });

  test('no more than so many looks are under way at once, in the order they came', async () => {
    let [now, most] = [0, 0];
    const runCheck: WatchParts['runCheck'] = async (target) => {
      now += 1;
      most = Math.max(most, now);
      begun.push({ target, atMs: clock.now() });
      await clock.sleep(1000);
      now -= 1;
      return setup.look(used(20), 'shop');
    };
    const targets = ['a', 'b', 'c', 'd', 'e'];
    const watch = watching({ targets, runCheck, mostAtOnce: 2 });
    const looks = targets.map((target) => watch.soon(target));
    await clock.move(3000);
    await Promise.all(looks);
    expect(most).toBe(2);
    expect(begun.map(({ target }) => target)).toEqual(targets);
  });

  test('a look right now joins the one that is under way', async () => {
    const watch = watching();
    const looks = [watch.soon('shop'), watch.soon('shop'), watch.soon('nowhere')];
    await clock.move(200);
    await Promise.all(looks);
    expect(begun).toHaveLength(1);
    expect(examined).toHaveLength(1);
  });

  test('a look that throws is a fault, and the next one comes', async () => {
    const runCheck = (): Promise<TargetCheck> => Promise.reject(new Error('a fault of ours'));
    watching({ runCheck }).start();
    await clock.move(60_000);
    expect(faults.length).toBeGreaterThan(2);
  });

  test('targets that are not wanted are left alone until they are', async () => {
    let mayCheck = false;
    watching({ mayCheck: () => mayCheck }).start();
    await clock.move(60_000);
    expect(begun).toEqual([]);
    mayCheck = true;
    await clock.move(20_000);
    expect(begun).not.toEqual([]);
  });

  test('stopped, it looks no more and leaves nobody asleep', async () => {
    const watch = watching();
    watch.start();
    await clock.move(40_000);
    const stopped = watch.stop();
    await clock.move(1000);
    await stopped;
    const { length } = begun;
    await clock.move(60_000);
    expect(begun).toHaveLength(length);
    watch.start();
    await clock.move(20_000);
    expect(begun.length).toBeGreaterThan(length);
  });
});
