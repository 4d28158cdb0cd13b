import { expect, test } from 'vitest';
import { holdIncidents } from './incidents/hold-incidents.ts';

test('whatever alerts, looks, people and kills do, incidents and their calls keep their rules: 5 nights', async () => {
  const reached = await holdIncidents(5);
  expect(reached.get('resolved')).toBeGreaterThan(0);
});
