import { expect, test } from 'vitest';
import { gatherEvidence } from '../../../src/runbook/diagnose/evidence.ts';
import { findAll } from '../../../src/runbook/diagnose/diagnose.ts';
import { aReading, aSnapshot, aTarget } from './builders.ts';

test('deadlocks are those between two looks, with or without a log', () => {
  const snapshot = aSnapshot({ reading: aReading({ deadlocks: 40 }) });
  const at = new Date(Date.parse(snapshot.takenAt) - 60_000).toISOString();
  const recent = [{ at, used: 1, usable: 97, deadlocks: 33 }];
  const [found] = findAll(gatherEvidence({ snapshot, target: aTarget(), recent }));
  expect(found).toMatchObject({
    id: 'deadlocks',
    summary: 'PostgreSQL resolved 7 deadlocks in the last 60 seconds.',
  });
});
