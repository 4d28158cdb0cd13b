import { expect, test } from 'vitest';
import { checkTarget } from '../../src/runbook/diagnose/doctor.ts';
import { diagnose } from '../../src/runbook/diagnose/diagnose.ts';
import { Diagnosis } from '../../src/runbook/diagnose/diagnosis.ts';
import type { PoolerSnapshot } from '../../src/runbook/snapshot/snapshot.ts';
import { exitCodeOf } from '../../src/terminal/output.ts';
import { renderChecks, renderDiagnosis, renderJson } from '../../src/terminal/render/diagnosis.ts';
import { aProblem, aSnapshot, aTarget } from '../runbook/diagnose/builders.ts';
import { aPoolerLook, aPoolerPool, aPoolerReading } from '../runbook/diagnose/pooler-builders.ts';
import { plain } from './plain.ts';

const pools = [
  aPoolerPool({ clientsWaiting: 54, longestWaitSeconds: 41, servers: 20, fullBy: 'pool_size' }),
];
const busy = aPoolerLook({ name: 'front', reading: aPoolerReading({ pools }) });

function look(...poolers: readonly PoolerSnapshot[]): Diagnosis {
  return diagnose({ snapshot: aSnapshot({ poolers }), target: aTarget(), recent: [] });
}

test('status and pool list the poolers, with who waits and what they may open', () => {
  for (const word of ['status', 'pool'] as const) {
    const text = renderDiagnosis(look(busy), word, plain);
    expect(text).toMatch(/front\s+transaction\s+12\s+100\s+54\s+41 s\s+20\s+20\n/);
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
  }
  expect(renderDiagnosis(look(busy), 'pool', plain)).toMatch(/front\s+1\s+20\s+20\n/);
});

test('the queue is the headline, and the exit code of a script is critical', () => {
  const diagnosis = look(busy);
  expect(diagnosis.headline).toBe('54 clients wait in front; 11 of 97 usable connections.');
  expect(exitCodeOf(diagnosis)).toBe(2);
});

test('the JSON has the poolers as its schema describes them, and none where none is configured', () => {
  const parsed = Diagnosis.parse(JSON.parse(renderJson(look(busy))));
  expect(parsed.poolers).toMatchObject([
    { name: 'front', clientsWaiting: 54, services: ['backend'] },
  ]);
  expect(parsed.budget.poolers).toEqual([{ name: 'front', replicas: 1, mayOpen: 20, holds: 20 }]);
  const without = diagnose({ snapshot: aSnapshot(), target: aTarget(), recent: [] });
  expect(renderJson(without)).not.toContain('pooler');
});

test('the doctor says of each console whether it could be read', () => {
  const down = aPoolerLook({ name: 'jobs', problem: aProblem('forbidden', 'Do this.') });
  const snapshot = aSnapshot({ poolers: [busy, down] });
  const text = renderChecks('shop', checkTarget({ snapshot, target: aTarget() }), plain);
  expect(text).toContain('Pooler: front: the admin console answers (PgBouncer 1.18.0).');
  expect(text).toMatch(/missing\s+Pooler: jobs: It is forbidden\.\s+Fix: Do this\./);
});
