import { expect, test } from 'vitest';
import { diagnose } from '../../../src/runbook/diagnose/diagnose.ts';
import {
  aReading,
  aReplica,
  aService,
  aServiceReading,
  aSnapshot,
  aSource,
  aTarget,
} from './builders.ts';

/** Fifty opened one after another and used once, at this address; and ten at work. */
function lookAt(client: string) {
  const ages = Array.from({ length: 11 }, (_, tenth) => 2_000 + tenth * 10_000);
  const left = { total: 50, idle: 50, idleOverTerminate: 50, usedOnce: 50, usedOnceAges: ages };
  const reading = aReading({
    sources: [
      aSource({ client: '10.0.0.5', total: 10, idle: 5, active: 5 }),
      aSource({ client, ...left }),
    ],
  });
  const replica = aReplica({ addresses: ['10.0.0.5', '10.0.0.6'] });
  return diagnose({
    recent: [],
    target: aTarget({ services: [aService({ name: 'backend' })] }),
    snapshot: aSnapshot({
      reading: { ...reading, counts: { ...reading.counts, clients: 61, idle: 55 } },
      pools: [],
      services: { services: [aServiceReading({ name: 'backend', replicas: [replica] })] },
    }),
  });
}

test('what was used once is a leak where its container runs, and abandoned where none does', () => {
  expect(lookAt('10.0.0.6').causes.map(({ cause }) => cause)).toContain('connection-leak');
  expect(lookAt('10.0.0.9').causes.map(({ cause }) => cause)).not.toContain('connection-leak');
  expect(lookAt('10.0.0.9').findings).toContainEqual(
    expect.objectContaining({ id: 'abandoned-clients' }),
  );
});
