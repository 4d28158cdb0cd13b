import { distance } from 'fastest-levenshtein';

/** More than two edits away is another word, and so is more than a third of a short one. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const ranked = candidates
    .map((candidate) => ({ candidate, edits: distance(word.slice(0, 64), candidate) }))
    .toSorted((a, b) => a.edits - b.edits);
  const [best] = ranked;
  if (best === undefined) return undefined;
  const most = Math.min(2, Math.ceil(best.candidate.length / 3));
  return best.edits <= most ? best.candidate : undefined;
}

/** Says that there is no such target, and which ones there are. Repeats nothing that was typed. */
export function unknownTarget(target: string, targets: readonly string[]): string {
  const near = nearest(target, targets);
  const all =
    targets.length === 1
      ? `The only one is ${targets[0]}.`
      : `The targets are: ${targets.join(', ')}.`;
  const hint = near === undefined ? all : `Did you mean ${near}?`;
  return `Unknown target. ${hint}`;
}
