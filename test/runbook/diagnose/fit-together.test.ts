import { array, assert, integer, property, record } from 'fast-check';
import { expect, test } from 'vitest';
import type { Budget } from '../../../src/runbook/diagnose/diagnosis.ts';
import { fitTogether } from '../../../src/runbook/diagnose/pool-sizes.ts';

type Line = Budget['lines'][number];

function aLine(replicas: number, poolSize: number, maxOverflow: number): Line {
  const mayOpen = replicas * (poolSize + maxOverflow);
  return {
    service: `s${replicas}-${poolSize}`,
    replicas,
    workers: 1,
    poolSize,
    maxOverflow,
    mayOpen,
    holds: 0,
  };
}

function aBudget(lines: Line[], others = 10, usable = 97): Budget {
  return { lines, usable, others, mayOpen: null, canExhaust: null };
}

test('two services that together are too large get less in the proportion they had', () => {
  const fitted = fitTogether(aBudget([aLine(2, 30, 10), aLine(1, 20, 20)]));
  expect(fitted).toMatchObject([
    { to: { poolSize: 15, maxOverflow: 7 }, processes: 2 },
    { to: { poolSize: 15, maxOverflow: 7 }, processes: 1 },
  ]);
});

test('what fits is left as it is, however small the room that is left', () => {
  expect(fitTogether(aBudget([aLine(1, 60, 27)]))).toEqual([]);
});

test('a pool without a ceiling never fits', () => {
  const endless = { ...aLine(1, 5, -1), mayOpen: 'unlimited' as const };
  expect(fitTogether(aBudget([endless]))).toHaveLength(1);
});

test('more processes than slots fit with no numbers, and an unknown server with none that could be told', () => {
  expect(fitTogether(aBudget([aLine(100, 1, 0)]))).toBe('too-many');
  expect(fitTogether({ ...aBudget([aLine(1, 1, 1)]), usable: null })).toBeNull();
});

test('whatever the services are, all together then leave a fifth free and each process has one', () => {
  const line = record({
    replicas: integer({ min: 1, max: 30 }),
    size: integer({ min: 1, max: 100 }),
    overflow: integer({ min: 0, max: 100 }),
  }).map(({ replicas, size, overflow }) => aLine(replicas, size, overflow));
  assert(
    property(
      array(line, { minLength: 1, maxLength: 8 }),
      integer({ min: 5, max: 500 }),
      (lines, usable) => {
        const fitted = fitTogether(aBudget(lines, 2, usable));
        if (fitted === null || fitted === 'too-many' || fitted.length === 0) return;
        const each = lines.map((one) => {
          const found = fitted.find((fitting) => fitting.line === one);
          return found === undefined
            ? Number(one.mayOpen)
            : (found.to.poolSize + found.to.maxOverflow) * found.processes;
        });
        expect(each.reduce((total, part) => total + part, 2)).toBeLessThanOrEqual(usable * 0.8);
        for (const { to } of fitted) expect(to.poolSize).toBeGreaterThanOrEqual(1);
      },
    ),
  );
});
