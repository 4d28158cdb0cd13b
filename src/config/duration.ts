import { z } from 'zod';

const unitsInMs = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

/** `30s`, `10m` or `2h` in the file; milliseconds in the program. */
export const duration = z
  .string()
  .regex(/^\d+(ms|s|m|h|d)$/, 'is a duration such as 30s, 10m or 2h')
  .transform((text) => {
    const [, digits, unit = ''] = /^(\d+)(\w+)$/.exec(text) ?? [];
    return Number(digits) * (unitsInMs.get(unit) ?? Number.NaN);
  });
