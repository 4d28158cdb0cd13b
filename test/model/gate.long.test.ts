import { expect, test } from 'vitest';
import { holdGate } from './gate/hold-gate.ts';
import { nights, seed, withinMs } from './nights.ts';

test(
  `whatever two processes and their people do, the gate keeps its rules: ${nights} nights, seed ${seed}`,
  { timeout: withinMs },
  async () => {
    const reached = await holdGate(nights);
    // A model that reaches little holds little.
    const states = ['denied', 'withdrawn', 'expired', 'stale', 'failed', 'handed', 'done'];
    expect(states.filter((state) => !reached.has(state))).toEqual([]);
  },
);
