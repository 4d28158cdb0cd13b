import { expect, test } from 'vitest';
import { gatherEvidence } from '../../../src/runbook/diagnose/evidence.ts';
import type { Evidence } from '../../../src/runbook/diagnose/evidence.ts';
import {
  choosePool,
  mayComeBack,
} from '../../../src/runbook/remedies/e-resize-pool/choose-size.ts';
import type { ChosenPool } from '../../../src/runbook/remedies/e-resize-pool/choose-size.ts';
import type { Answer } from '../../../src/runbook/remedies/remedy.ts';
import {
  aPool,
  aReading,
  aService,
  aServiceReading,
  aSnapshot,
  aSource,
  aTarget,
  replicas,
} from '../diagnose/builders.ts';

interface Scene {
  readonly pool: { readonly size: number; readonly maxOverflow: number };
  readonly held: number;
  readonly utilisation?: number;
  /** Pools of another service. */
  readonly worker?: { readonly size: number; readonly maxOverflow: number };
}

/** Two replicas of backend on a server with 97 usable slots. */
function evidenceOf({ pool, held, utilisation = 0.5, worker }: Scene): Evidence {
  const services = [
    aServiceReading({ replicas: replicas(2, pool) }),
    ...(worker === undefined
      ? []
      : [aServiceReading({ name: 'worker', replicas: replicas(1, worker) })]),
  ];
  const target = aTarget({
    services: [aService(), ...(worker === undefined ? [] : [aService({ name: 'worker' })])],
  });
  const sources = [aSource({ application: 'backend', client: null, total: held })];
  const snapshot = aSnapshot({
    reading: aReading({ sources, counts: { clients: held } }),
    services: { services },
    pools: [aPool({ ...pool, utilisation })],
  });
  return gatherEvidence({ snapshot, target, recent: [] });
}

function numbersOf(answer: Answer<ChosenPool>): unknown {
  return answer.ok ? answer.value.to : answer.refusal.kind;
}

const tooLarge: Scene = { pool: { size: 40, maxOverflow: 20 }, held: 90 };

test('pools that fill the server shrink to what fits beside the others', () => {
  // 80% of 97 slots for 2 processes: 38 each, in the runbook's proportion.
  expect(numbersOf(choosePool(evidenceOf(tooLarge), 'backend', undefined))).toEqual({
    poolSize: 25,
    maxOverflow: 13,
  });
});

test('a pool that is worn out beside free slots grows, but never past what all others may open', () => {
  const worn: Scene = { pool: { size: 10, maxOverflow: 5 }, held: 30, utilisation: 0.95 };
  expect(numbersOf(choosePool(evidenceOf(worn), 'backend', undefined))).toEqual({
    poolSize: 20,
    maxOverflow: 10,
  });
  const crowded = { ...worn, worker: { size: 40, maxOverflow: 10 } };
  // 97 - 50 leaves 23 for each of two processes.
  expect(numbersOf(choosePool(evidenceOf(crowded), 'backend', undefined))).toEqual({
    poolSize: 15,
    maxOverflow: 8,
  });
});

test('a pool that fits and is not worn out stays, and so do the numbers it has', () => {
  const calm = evidenceOf({ pool: { size: 10, maxOverflow: 5 }, held: 10 });
  expect(numbersOf(choosePool(calm, 'backend', undefined))).toBe('nothing-to-do');
  const same = choosePool(calm, 'backend', { poolSize: 10, maxOverflow: 5 });
  expect(numbersOf(same)).toBe('nothing-to-do');
});

test('larger than the server is refused; smaller than now never, even where it is still too much', () => {
  const evidence = evidenceOf(tooLarge);
  expect(choosePool(evidence, 'backend', { poolSize: 60, maxOverflow: 20 })).toMatchObject({
    refusal: {
      kind: 'over-budget',
      why: 'All pools together could open more than 97 usable connections: 2 x (60 + 20) = 160 for backend, the others 0.',
    },
  });
  const smaller = choosePool(evidence, 'backend', { poolSize: 40, maxOverflow: 10 });
  expect(smaller).toMatchObject({ value: { overBudget: true } });
});

test('old numbers that would be refused are no undo', () => {
  const undoOf = (scene: Scene): boolean => {
    const evidence = evidenceOf(scene);
    const choice = choosePool(evidence, 'backend', { poolSize: 5, maxOverflow: 1 });
    if (!choice.ok) throw new Error(choice.refusal.why);
    return mayComeBack(evidence, choice.value);
  };
  expect(undoOf(tooLarge)).toBe(false);
  expect(undoOf({ pool: { size: 10, maxOverflow: -1 }, held: 10 })).toBe(false);
  expect(undoOf({ pool: { size: 10, maxOverflow: 5 }, held: 10 })).toBe(true);
});

test('without a look at PostgreSQL a pool may shrink, and not grow', () => {
  const blind = aSnapshot({
    reading: null,
    services: {
      services: [aServiceReading({ replicas: replicas(1, { size: 10, maxOverflow: 5 }) })],
    },
  });
  const evidence = gatherEvidence({ snapshot: blind, target: aTarget(), recent: [] });
  expect(numbersOf(choosePool(evidence, 'backend', { poolSize: 5, maxOverflow: 5 }))).toEqual({
    poolSize: 5,
    maxOverflow: 5,
  });
  for (const size of [{ poolSize: 20, maxOverflow: 5 }, undefined]) {
    expect(numbersOf(choosePool(evidence, 'backend', size))).toBe('unknown-budget');
  }
});

test('one number is the size; what comes on top stays, and is refused where it has no variable', () => {
  const evidenceWith = (poolVariables: {
    readonly size: string;
    readonly overflow?: string;
  }): Evidence => {
    const containers = replicas(2, { size: 10, maxOverflow: 5 }, { poolVariables });
    const services = { services: [aServiceReading({ replicas: containers })] };
    const snapshot = aSnapshot({ reading: aReading(), services });
    return gatherEvidence({ snapshot, target: aTarget(), recent: [] });
  };
  const both = evidenceWith({ size: 'DB_POOL_SIZE', overflow: 'DB_MAX_OVERFLOW' });
  const kept = { poolSize: 4, maxOverflow: 5 };
  expect(numbersOf(choosePool(both, 'backend', { poolSize: 4 }))).toEqual(kept);
  const lone = evidenceWith({ size: 'DB_POOL_SIZE' });
  expect(numbersOf(choosePool(lone, 'backend', { poolSize: 4 }))).toEqual(kept);
  expect(numbersOf(choosePool(lone, 'backend', { poolSize: 4, maxOverflow: 2 }))).toBe(
    'no-variable',
  );
});
