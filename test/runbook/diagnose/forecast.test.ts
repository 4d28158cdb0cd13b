import { expect, test } from 'vitest';
import { createSeeded } from '../../../sandbox/patient/seeded.ts';
import { toCapacity } from '../../../src/runbook/diagnose/summarise.ts';
import { forecast } from '../../../src/runbook/diagnose/forecast.ts';
import { RecentChecks } from '../../../src/runbook/diagnose/recent-checks.ts';
import type { DatabaseReading } from '../../../src/runbook/snapshot/snapshot.ts';
import { aReading, takenAt } from './builders.ts';
import { containing, matching } from './matchers.ts';

function predict(
  used: readonly number[],
  counts: Partial<DatabaseReading['counts']> = {},
  stepSeconds = 60,
): ReturnType<typeof forecast> {
  const reading = aReading({ counts: { clients: used.at(-1) ?? 50, ...counts } });
  const looks = used.map((value, index) => ({
    at: new Date(
      Date.parse(takenAt) - (used.length - 1 - index) * stepSeconds * 1_000,
    ).toISOString(),
    used: value,
    usable: 97,
  }));
  return forecast(looks, toCapacity(reading, undefined), reading);
}

test('steady growth says when it is full', () => {
  expect(predict([57, 67, 77, 87])).toMatchObject({
    connectionsPerMinute: 10,
    minutesUntilFull: 1,
    basis: 'recent-looks',
  });
});

test('ups and downs are steady', () => {
  expect(predict([80, 85, 79, 84, 81])).toMatchObject({
    minutesUntilFull: null,
    reason: matching(/^Steady/),
  });
});

test('shrinking is not a forecast of fullness', () => {
  expect(predict([90, 80, 70, 60])).toMatchObject({
    minutesUntilFull: null,
    reason: matching(/^Shrinking/),
  });
});

test('after relief the growth since then counts, and is called refilling', () => {
  const found = predict([90, 92, 94, 40, 50, 60, 70]);
  expect(found).toMatchObject({ connectionsPerMinute: 10, minutesUntilFull: 2.7 });
  expect(found.reason).toMatch(/^Refilling/);
});

test('looks within seconds of each other are not enough', () => {
  expect(predict([50, 60, 70], {}, 2).basis).not.toBe('recent-looks');
});

test('a changed max_connections starts anew', () => {
  const reading = aReading({ counts: { clients: 60 } });
  const looks = [40, 50, 60].map((used, index) => ({
    at: new Date(Date.parse(takenAt) - (2 - index) * 60_000).toISOString(),
    used,
    usable: index === 0 ? 47 : 97,
  }));
  expect(forecast(looks, toCapacity(reading, undefined), reading).basis).not.toBe('recent-looks');
});

test('one look judges by the connection starts, as an upper bound', () => {
  expect(predict([57], { newIn60s: 10, newIn300s: 50 })).toMatchObject({
    connectionsPerMinute: 10,
    minutesUntilFull: 4,
    basis: 'connection-starts',
    reason: containing('Upper bound'),
  });
});

test('a burst of the last minute is not enough data', () => {
  expect(predict([57], { newIn60s: 40, newIn300s: 40 })).toMatchObject({
    connectionsPerMinute: null,
    minutesUntilFull: null,
    basis: 'none',
    reason: containing('Not enough data'),
  });
});

test('a server that has just started is not enough data', () => {
  const reading = aReading({
    startedAt: '2026-11-23T02:58:00.000000Z',
    counts: { clients: 57, newIn60s: 9, newIn300s: 50 },
  });
  expect(forecast([], toCapacity(reading, undefined), reading).basis).toBe('none');
});

test('a full server is full now', () => {
  expect(predict([97])).toMatchObject({ minutesUntilFull: 0 });
});

test('without a look there is nothing to forecast from', () => {
  expect(forecast([], null, undefined)).toMatchObject({ basis: 'none', minutesUntilFull: null });
});

const capacity = toCapacity(aReading(), undefined);

function at(seconds: number): string {
  return new Date(Date.parse(takenAt) + seconds * 1_000).toISOString();
}

function ringOf(looks: number, everySeconds: number): RecentChecks {
  const ring = new RecentChecks();
  for (let look = 0; look < looks; look += 1) {
    ring.add({ takenAt: at(look * everySeconds), capacity });
  }
  return ring;
}

/** Seconds between the newest look and each one. */
function ages(ring: RecentChecks): number[] {
  const times = ring.entries().map(({ at: time }) => Date.parse(time));
  return times.map((time) => ((times.at(-1) ?? 0) - time) / 1_000);
}

test('a look every fifteen seconds keeps an hour: each of the last quarter, one a minute before', () => {
  const kept = ages(ringOf(1_000, 15));
  expect(kept[0]).toBeGreaterThan(3_480);
  expect(kept[0]).toBeLessThanOrEqual(3_600);
  expect(kept.slice(-60)).toEqual(Array.from({ length: 60 }, (_, index) => (59 - index) * 15));
  const before = kept.slice(0, -60);
  const pauses = before.slice(1).map((age, index) => (before[index] ?? 0) - age);
  expect(new Set(pauses)).toEqual(new Set([60]));
});

test('however short the pause between looks, an hour is kept in at most 121 of them', () => {
  for (const everySeconds of [1, 7, 15, 60]) {
    const kept = ages(ringOf(Math.ceil(5_400 / everySeconds), everySeconds));
    expect(kept.length).toBeLessThanOrEqual(121);
    expect(kept[0]).toBeGreaterThan(3_480);
    expect(Math.max(...kept.slice(1).map((age, index) => (kept[index] ?? 0) - age))).toBeLessThan(
      120,
    );
  }
});

test('a burst of looks in one minute leaves the hour before it as it was', () => {
  const ring = ringOf(60, 60);
  for (let look = 0; look < 200; look += 1) ring.add({ takenAt: at(3_600 + look / 10), capacity });
  expect(ages(ring)[0]).toBeGreaterThan(3_480);
});

test('the ring forgets what is older than an hour, and keeps no look without a capacity', () => {
  const ring = ringOf(100, 15);
  ring.add({ takenAt: at(10_000), capacity: null });
  expect(ring.entries().length).toBeGreaterThan(60);
  ring.add({ takenAt: at(10_000), capacity });
  expect(ring.entries()).toEqual([
    { at: at(10_000), used: capacity.used, usable: capacity.usable },
  ]);
});

test('an hour of looks every fifteen seconds gives the forecast of its last quarter', () => {
  const ring = new RecentChecks();
  const usedAt = (look: number): number => (look < 180 ? 30 : 30 + Math.floor((look - 180) / 2));
  for (let look = 0; look < 240; look += 1) {
    ring.add({ takenAt: at(look * 15), capacity: { ...capacity, used: usedAt(look), usable: 97 } });
  }
  const reading = aReading({ counts: { clients: usedAt(239) } });
  expect(forecast(ring.entries(), toCapacity(reading, undefined), reading)).toMatchObject({
    connectionsPerMinute: 2,
    basis: 'recent-looks',
    reason: matching(/^Growing: 60 checks over 15/),
  });
});

test('a step followed by slow growth is judged by the growth since', () => {
  const used = [30, 30, 30, 60, 60, 62, 64, 66, 68, 70, 72];
  expect(predict(used, {}, 15)).toMatchObject({ connectionsPerMinute: 8, minutesUntilFull: 3.1 });
});

test('load that goes up and down by chance is never a forecast', () => {
  const seeded = createSeeded(19);
  for (const spread of [1, 4, 15]) {
    const used = Array.from({ length: 300 }, () => 45 + seeded.between(-spread, spread));
    for (let end = 40; end <= used.length; end += 1) {
      const looks = used.slice(Math.max(0, end - 60), end);
      expect(predict(looks, {}, 15).minutesUntilFull).toBeNull();
    }
  }
});

test('connections of one burst on both sides of a minute are no rate', () => {
  for (const counts of [
    { newIn10s: 0, newIn60s: 15, newIn300s: 30 },
    { newIn10s: 3, newIn60s: 5, newIn300s: 25 },
    { newIn10s: 0, newIn60s: 30, newIn300s: 120 },
  ]) {
    expect(predict([57], counts)).toMatchObject({ minutesUntilFull: null, basis: 'none' });
  }
});
