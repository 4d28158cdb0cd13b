import { expect, test } from 'vitest';
import { holdGate } from './gate/hold-gate.ts';

test('whatever two processes and their people do, the gate keeps its rules: 15 nights', async () => {
  const reached = await holdGate(15);
  expect(reached.get('done')).toBeGreaterThan(0);
});
