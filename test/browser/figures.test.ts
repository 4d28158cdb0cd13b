import { describe, expect, test } from 'vitest';
import { chooseLabels, chooseScale } from '../../sandbox/page/browser/blocks/chart-scale.ts';
import { formatSlackDate } from '../../sandbox/page/browser/text/slack-date.ts';

describe('the value axis of a chart', () => {
  test.for([
    [
      [41, 94],
      [0, 25, 50, 75, 100],
    ],
    [
      [0, 0],
      [0, 0.25, 0.5, 0.75, 1],
    ],
    [
      [0.1, 0.34],
      [0, 0.1, 0.2, 0.3, 0.4],
    ],
    [
      [-5, 10],
      [-5, 0, 5, 10],
    ],
    [[8000], [0, 2000, 4000, 6000, 8000]],
  ] as const)('for %j has the ticks %j', ([values, ticks]) => {
    const scale = chooseScale(values);
    expect(scale.ticks).toEqual(ticks);
    expect(scale.share(ticks[0])).toBe(0);
    expect(scale.share(ticks.at(-1) ?? 0)).toBeCloseTo(1);
  });

  test('prints every second label where all have no room, and always the last', () => {
    expect(chooseLabels(8, 4)).toEqual([1, 3, 5, 7]);
    expect(chooseLabels(3, 10)).toEqual([0, 1, 2]);
    expect(chooseLabels(1, 1)).toEqual([0]);
  });
});

describe('a Slack date', () => {
  // Months count from zero: the 23rd of November 2026, a Monday, in this machine's zone.
  const now = new Date(2026, 10, 23, 12, 0, 0);
  const seconds = (date: Date): number => date.getTime() / 1000;

  test.for([
    ['{date_num} {time_secs}', new Date(2026, 10, 22, 9, 5, 7), '2026-11-22 9:05:07 AM'],
    ['{date_short_pretty} {time}', new Date(2026, 10, 23, 9, 5), 'Today 9:05 AM'],
    ['since {date_pretty}', new Date(2026, 10, 22, 23, 59), 'Since yesterday'],
    ['{date_long}', new Date(2026, 0, 2), 'Friday, January 2, 2026'],
    ['{ago}', new Date(2026, 10, 23, 11, 55), '5 minutes ago'],
    ['{no_such_thing}', now, 'fallback'],
  ] as const)('%j is filled in for its reader', ([format, date, expected]) => {
    const slackDate = { timestampSeconds: seconds(date), format, fallback: 'fallback' };
    expect(formatSlackDate(slackDate, now)).toBe(expected);
  });
});
