import { expect, test } from 'vitest';
import { toCapacity } from '../../../src/runbook/diagnose/capacity.ts';
import { forecast } from '../../../src/runbook/diagnose/forecast.ts';
import { LookRing } from '../../../src/runbook/diagnose/look-ring.ts';
import type { SessionCounts } from '../../../src/runbook/diagnose/snapshot.ts';
import { aReading, takenAt } from './builders.ts';
import { containing, matching } from './matchers.ts';

function predict(
  used: readonly number[],
  counts: Partial<SessionCounts> = {},
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
    reason: containing('At most'),
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

test('the ring keeps the last 60 looks of the last hour, and none without a capacity', () => {
  const ring = new LookRing();
  const capacity = toCapacity(aReading(), undefined);
  const at = (minute: number): string =>
    new Date(Date.parse(takenAt) + minute * 30_000).toISOString();
  ring.add({ takenAt: at(0), capacity: null });
  expect(ring.entries()).toEqual([]);
  for (let minute = 0; minute < 100; minute += 1) ring.add({ takenAt: at(minute), capacity });
  expect(ring.entries().length).toBe(60);
  expect(ring.entries().at(-1)?.at).toBe(at(99));
  ring.add({ takenAt: at(1_000), capacity });
  expect(ring.entries().length).toBe(1);
});
