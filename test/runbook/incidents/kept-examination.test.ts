import { describe, expect, test } from 'vitest';
import { diagnose } from '../../../src/runbook/diagnose/diagnose.ts';
import type { Snapshot } from '../../../src/runbook/snapshot/snapshot.ts';
import { keepCheck } from '../../../src/runbook/incidents/kept-checks.ts';
import { aReading, aSnapshot, aTarget, aWaiter, locksOf, sessions } from '../diagnose/builders.ts';

const target = aTarget();

function keep(snapshot: Snapshot): ReturnType<typeof keepCheck> {
  const diagnosis = diagnose({ snapshot, target, recent: [] });
  return keepCheck('first', { snapshot, target, recent: [], diagnosis });
}

describe('evidence that is kept with an incident', () => {
  test('a usual look is kept whole', () => {
    const snapshot = aSnapshot();
    const kept = keep(snapshot);
    expect(kept).toMatchObject({ why: 'first', examination: { snapshot } });
    expect(kept).not.toHaveProperty('truncated');
  });

  test('one of a server with thousands of waiters fits into 256 KB, and says that something is missing', () => {
    const waiters = Array.from({ length: 1000 }, (_, index) =>
      aWaiter(
        5000 + index,
        Array.from({ length: 50 }, (__, other) => 1000 + other),
      ),
    );
    const many = sessions(500, () => ({ query: 'SELECT '.repeat(40), state: 'active' }));
    const reading = aReading({ locks: locksOf(waiters), sessions: many });
    const kept = keep(aSnapshot({ reading }));
    expect(kept).toMatchObject({
      truncated: true,
      examination: { diagnosis: { truncated: true } },
    });
    const bytes = new TextEncoder().encode(JSON.stringify(kept)).length;
    expect(bytes).toBeLessThan(257 * 1024);
    expect(bytes).toBeGreaterThan(64 * 1024);
  });
});
