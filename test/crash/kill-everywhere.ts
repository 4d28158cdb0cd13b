import { startPatient } from '../../sandbox/patient/patient.ts';
import type { Shelf } from '../journal/shelves.ts';
import type { CrashCase } from './crash-case.ts';
import type { KillPoint } from './killing-journal.ts';
import { Matrix } from './matrix.ts';

/** A case's matrix on a patient of its own, whose journals are that shelf's; all of it is closed after `use`. */
export async function withMatrix<T>(
  { crashCase, shelf }: { readonly crashCase: CrashCase; readonly shelf: Shelf },
  use: (matrix: Matrix) => Promise<T>,
): Promise<T> {
  try {
    const patient = await startPatient({ seed: 5, ...crashCase.patient });
    try {
      const matrix = await Matrix.open({ crashCase, patient, newJournal: () => shelf.clear() });
      try {
        return await use(matrix);
      } finally {
        await matrix.close();
      }
    } finally {
      await patient.close();
    }
  } finally {
    await shelf.close();
  }
}

/** Right before and right after each write. Returns how many points those were. */
export async function everywhere(
  writes: readonly string[],
  run: (point: KillPoint) => Promise<unknown>,
): Promise<number> {
  for (const [index, kind] of writes.entries()) {
    for (const when of ['before', 'after'] as const) {
      try {
        await run({ write: index + 1, when });
      } catch (cause) {
        throw new Error(`Killed ${when} write ${index + 1} (${kind}): ${String(cause)}`, { cause });
      }
    }
  }
  return writes.length * 2;
}
