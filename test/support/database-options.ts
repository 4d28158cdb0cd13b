import { systemClock } from '../../src/timing.ts';
import type { DatabaseOptions } from '../../src/postgres/lifeline.ts';
import { defaultLimits } from '../../src/runbook/snapshot/target.ts';

/** A target that has an address and nothing else, unless more is said. */
export function databaseOptions(
  url: string,
  more: Partial<Omit<DatabaseOptions, 'url'>> = {},
): DatabaseOptions {
  return {
    target: 'test',
    url,
    providerReserved: 0,
    limits: defaultLimits,
    clock: systemClock,
    ...more,
  };
}
