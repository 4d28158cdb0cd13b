import { distance } from 'fastest-levenshtein';

/** The words of `/dbconn …` and of `dbconn …` in a terminal: one vocabulary for both. */
export const lookingWords = [
  'status',
  'sources',
  'sessions',
  'idle',
  'blocking',
  'pool',
  'logs',
  'causes',
  'doctor',
] as const;

export type LookingWord = (typeof lookingWords)[number];

/** What each word answers, in the runbook's order; help shows these lines. */
export const descriptions: Readonly<Record<LookingWord | 'help', string>> = {
  status: 'how full PostgreSQL is, who fills it, the likely cause and what to do',
  sources: 'connections by user, application, client and database',
  sessions: 'the oldest connections, transactions and queries',
  idle: 'sessions idle in transaction, and where they come from',
  blocking: 'who waits for whom, and the root blockers',
  pool: "the applications' pools, and the budget of who may open how many",
  logs: 'what the logs say about connections',
  causes: "the runbook's six causes, with the evidence for and against",
  doctor: 'whether dbconn can see and reach what it needs, and how to mend it',
  help: 'these words',
};

export type Command =
  | { readonly kind: 'look'; readonly word: LookingWord; readonly target: string }
  | { readonly kind: 'help'; readonly problem?: string };

/**
 * Reads what stands after `/dbconn`. Nothing given means `status` of the only (or first) target.
 * Unknown words and targets become help that names the nearest match; nothing here throws.
 */
export function parseCommand(text: string, targets: readonly string[]): Command {
  const [word = 'status', target, ...rest] = text.trim().split(/\s+/).filter(Boolean);
  const lower = word.toLowerCase();
  if (lower === 'help') return { kind: 'help' };
  const looking = lookingWords.find((known) => known === lower);
  if (looking === undefined) return { kind: 'help', problem: unknownWord(lower, targets) };
  if (rest.length > 0) return { kind: 'help', problem: 'That is more than a word and a target.' };
  if (target === undefined) return { kind: 'look', word: looking, target: targets[0] ?? '' };
  if (targets.includes(target)) return { kind: 'look', word: looking, target };
  const near = nearest(target, targets);
  const hint =
    near === undefined ? `The targets are: ${targets.join(', ')}.` : `Did you mean ${near}?`;
  return { kind: 'help', problem: `There is no target of that name. ${hint}` };
}

function unknownWord(word: string, targets: readonly string[]): string {
  const near = nearest(word, [...lookingWords, 'help']);
  if (near !== undefined) return `There is no such word. Did you mean ${near}?`;
  return targets.includes(word)
    ? 'A word comes before the target, such as status.'
    : 'There is no such word.';
}

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
