import { distance } from 'fastest-levenshtein';

/** The nearest candidate within a third of its length in edits, so that nonsense gets no guess. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const ranked = candidates
    .map((candidate) => ({ candidate, edits: distance(word.slice(0, 64), candidate) }))
    .toSorted((a, b) => a.edits - b.edits);
  const [best] = ranked;
  if (best === undefined) return undefined;
  return best.edits <= Math.max(1, Math.ceil(best.candidate.length / 3))
    ? best.candidate
    : undefined;
}

/** Says that there is no such target, and which ones there are. Repeats nothing that was typed. */
export function unknownTarget(target: string, targets: readonly string[]): string {
  const near = nearest(target, targets);
  const hint =
    near === undefined ? `The targets are: ${targets.join(', ')}.` : `Did you mean ${near}?`;
  return `There is no target of that name. ${hint}`;
}
