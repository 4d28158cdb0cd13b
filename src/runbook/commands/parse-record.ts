import { unknownTarget } from './nearest.ts';
import type { RecordWord } from './words.ts';

export interface RecordCommand {
  readonly kind: 'record';
  readonly word: RecordWord;
  /** Null: every target for `history`; for `report` the incident is named by `id`. */
  readonly target: string | null;
  /** The incident that `report` is about; without it the latest of `target`. */
  readonly id?: string;
}

/** `inc-` and letters, as Incident.id has it. */
const incidentId = /^inc-[0-9a-z]{6,20}$/;

export function isIncidentId(word: string): boolean {
  return incidentId.test(word);
}

/** Reads what stands after `history`, `report` or `prevention`; a string says what is wrong with it. */
export function parseRecord(
  word: RecordWord,
  text: string,
  targets: readonly string[],
): RecordCommand | string {
  const [first, ...rest] = text.split(/\s+/).filter(Boolean);
  if (rest.length > 0) return 'That is more than a word and a target.';
  if (word === 'report' && first !== undefined && isIncidentId(first.toLowerCase())) {
    return { kind: 'record', word, target: null, id: first.toLowerCase() };
  }
  if (first !== undefined && !targets.includes(first)) return unknownTarget(first, targets);
  if (first !== undefined) return { kind: 'record', word, target: first };
  // The history of all is a short list; a report or advice is about one.
  return { kind: 'record', word, target: word === 'history' ? null : (targets[0] ?? null) };
}
