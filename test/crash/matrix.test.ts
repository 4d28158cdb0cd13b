import { afterEach, expect, test } from 'vitest';
import { startPatient } from '../../sandbox/patient/patient.ts';
import { postgresShelf, sqliteShelf } from '../journal/shelves.ts';
import type { Shelf } from '../journal/shelves.ts';
import { allCases } from './cases/all-cases.ts';
import { optionA } from './cases/option-a.ts';
import type { CrashCase } from './crash-case.ts';
import { Matrix } from './matrix.ts';

const toClose: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of toClose.splice(0).toReversed()) await close();
});

async function openMatrix(crashCase: CrashCase, shelf: Shelf): Promise<Matrix> {
  toClose.push(() => shelf.close());
  const patient = await startPatient({ seed: 5, ...crashCase.patient });
  toClose.push(() => patient.close());
  const matrix = await Matrix.open({ crashCase, patient, newJournal: () => shelf.clear() });
  toClose.push(() => matrix.close());
  return matrix;
}

/** Right before and right after each write. Returns how many points those were. */
async function everywhere(
  writes: readonly string[],
  run: (point: { write: number; when: 'before' | 'after' }) => Promise<unknown>,
): Promise<number> {
  for (const [index, kind] of writes.entries()) {
    for (const when of ['before', 'after'] as const) {
      try {
        await run({ write: index + 1, when });
      } catch (error) {
        throw new Error(`Killed ${when} write ${index + 1} (${kind}).`, { cause: error });
      }
    }
  }
  return writes.length * 2;
}

async function killEverywhere(matrix: Matrix): Promise<number> {
  const writes = await matrix.runWhole();
  return everywhere(writes, (point) => matrix.runKilled(point));
}

/** Of any whole run: the vote, the beginning, an intent, its end, the result, the outcome. */
const leastWrites = 6;

test.for(allCases)(
  '$name: killed at any write to the journal, it ends once, in truth',
  async (crashCase) => {
    const points = await killEverywhere(await openMatrix(crashCase, await sqliteShelf()));
    expect(points).toBeGreaterThanOrEqual(2 * leastWrites);
  },
);

test.for(allCases)(
  '$name: killed in the middle, and again at any write of whoever finishes it, it ends in truth',
  async (crashCase) => {
    const matrix = await openMatrix(crashCase, await sqliteShelf());
    const writes = await matrix.runWhole();
    // The deed is done, and not recorded: the most there is to find out.
    const first = { write: writes.indexOf('step-done') + 1, when: 'before' } as const;
    const finishing = await matrix.runKilledTwice(first, null);
    const points = await everywhere(finishing, (second) => matrix.runKilledTwice(first, second));
    // Taken over, and ended.
    expect(points).toBeGreaterThanOrEqual(4);
  },
);

test('with the journal on PostgreSQL too, a change killed at any write ends once, in truth', async () => {
  const points = await killEverywhere(await openMatrix(optionA, await postgresShelf(18)));
  expect(points).toBeGreaterThanOrEqual(2 * leastWrites);
});
