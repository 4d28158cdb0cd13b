import { expect, test } from 'vitest';
import { postgresShelf, sqliteShelf } from '../journal/shelves.ts';
import type { Shelf } from '../journal/shelves.ts';
import { allCases } from './cases/all-cases.ts';
import { optionA } from './cases/option-a.ts';
import type { CrashCase } from './crash-case.ts';
import { everywhere, withMatrix } from './kill-everywhere.ts';

function killEverywhere(crashCase: CrashCase, shelf: Shelf): Promise<number> {
  return withMatrix({ crashCase, shelf }, async (matrix) => {
    const writes = await matrix.runWhole();
    return everywhere(writes, (point) => matrix.runKilled(point));
  });
}

/** Of any whole run: the vote, the beginning, an intent, its end, the result, the outcome. */
const leastWrites = 6;

test.for(allCases)(
  '$name: killed at any write to the journal, it ends once, in truth',
  async (crashCase) => {
    const points = await killEverywhere(crashCase, await sqliteShelf());
    expect(points).toBeGreaterThanOrEqual(2 * leastWrites);
  },
);

test('with the journal on PostgreSQL too, a change killed at any write ends once, in truth', async () => {
  const points = await killEverywhere(optionA, await postgresShelf(18));
  expect(points).toBeGreaterThanOrEqual(2 * leastWrites);
});
