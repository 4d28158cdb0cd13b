import { expect, test } from 'vitest';
import { sqliteShelf } from '../journal/shelves.ts';
import { allCases } from './cases/all-cases.ts';
import { everywhere, withMatrix } from './kill-everywhere.ts';

// In a file of its own, so that it runs beside the other half of the matrix.
test.for(allCases)(
  '$name: killed in the middle, and again at any write of whoever finishes it, it ends in truth',
  async (crashCase) => {
    const points = await withMatrix({ crashCase, shelf: await sqliteShelf() }, async (matrix) => {
      const writes = await matrix.runWhole();
      // The deed is done, and not recorded: the most there is to find out.
      const first = { write: writes.indexOf('step-done') + 1, when: 'before' } as const;
      const finishing = await matrix.runKilledTwice(first, null);
      return everywhere(finishing, (second) => matrix.runKilledTwice(first, second));
    });
    // Taken over, and ended.
    expect(points).toBeGreaterThanOrEqual(4);
  },
);
