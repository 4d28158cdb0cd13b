import { expect, test } from 'vitest';
import { holdIncidents } from './incidents/hold-incidents.ts';
import { nights, seed, withinMs } from './nights.ts';

test(
  `whatever alerts, looks, people and kills do, incidents and their calls keep their rules: ${nights} nights, seed ${seed}`,
  { timeout: withinMs },
  async () => {
    const reached = await holdIncidents(nights);
    // A model that reaches little holds little.
    const states = ['open', 'merged', 'resolved', 'step', 'hand'];
    expect(states.filter((state) => !reached.has(state))).toEqual([]);
  },
);
