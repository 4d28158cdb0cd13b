import type { Journal, Untrue } from '../snapshot/ports.ts';
import { done, refuse } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import { tamperedAdvice } from './journal-tampered.ts';

/**
 * Refuses what would rest on a record that dbconn did not write: one row that was written past the journal's entries
 * stops everything on its target.
 */
export async function mustBeTrue(
  { journal }: { readonly journal: Pick<Journal, 'findUntrue'> },
  target: string,
): Promise<Answer<null>> {
  const found = concerning(await journal.findUntrue(), target);
  return found === undefined ? done(null) : refuse('tampered', found.problem, tamperedAdvice);
}

export function concerning(untrue: readonly Untrue[], target: string): Untrue | undefined {
  return untrue.find((one) => one.target === null || one.target === target);
}
