import { parseDuration } from '../../timing.ts';
import { nearest, unknownTarget } from './unknown-word.ts';
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
  if (rest.length > 0) return 'Too many words: type a word and a target.';
  if (word === 'report' && first !== undefined && isIncidentId(first.toLowerCase())) {
    return { kind: 'record', word, target: null, id: first.toLowerCase() };
  }
  if (first !== undefined && !targets.includes(first)) return unknownTarget(first, targets);
  if (first !== undefined) return { kind: 'record', word, target: first };
  // The history of all is a short list; a report or advice is about one.
  return { kind: 'record', word, target: word === 'history' ? null : (targets[0] ?? null) };
}

/** Which incident is meant: by its id, the open one of a target, or null for the only open one there is. */
export type Named = { readonly id: string } | { readonly target: string } | null;

export type IncidentCommand =
  | { readonly kind: 'incident'; readonly word: 'list' }
  | {
      readonly kind: 'incident';
      readonly word: 'open';
      readonly target: string;
      readonly reason: string;
    }
  | { readonly kind: 'incident'; readonly word: 'have' | 'unsilence'; readonly which: Named }
  | {
      readonly kind: 'incident';
      readonly word: 'silence';
      readonly which: Named;
      readonly forMs: number;
      readonly reason: string;
    }
  | {
      readonly kind: 'incident';
      readonly word: 'merge';
      readonly which: Exclude<Named, null>;
      readonly into: Exclude<Named, null>;
    }
  | {
      readonly kind: 'incident';
      readonly word: 'close' | 'reopen';
      readonly which: Named;
      readonly reason: string;
    };

const words = ['open', 'ack', 'silence', 'unsilence', 'merge', 'close', 'reopen'] as const;
type Word = (typeof words)[number];

/** What people type for `ack` as well. */
const alsoAck = new Set(['acknowledge', 'have']);

/** Reads what stands after `incident`; a string says what is wrong with it, and repeats nothing that was typed. */
export function parseIncident(text: string, targets: readonly string[]): IncidentCommand | string {
  const [verb = 'list', rest] = split(text);
  const lower = verb.toLowerCase();
  if (lower === 'list') return { kind: 'incident', word: 'list' };
  const word = alsoAck.has(lower) ? 'ack' : words.find((known) => known === lower);
  if (word === undefined) return unknownWord(lower);
  return parsers[word](rest, targets);
}

type Parse = (text: string, targets: readonly string[]) => IncidentCommand | string;

const parsers: Readonly<Record<Word, Parse>> = {
  open: parseOpen,
  ack: (text, targets) => parseShort('have', text, targets),
  unsilence: (text, targets) => parseShort('unsilence', text, targets),
  silence: parseSilence,
  merge: parseMerge,
  close: (text, targets) => parseEnd('close', text, targets),
  reopen: (text, targets) => parseEnd('reopen', text, targets),
};

function parseOpen(text: string, targets: readonly string[]): IncidentCommand | string {
  const [first = '', rest] = split(text);
  const isNamed = targets.includes(first);
  const [only = '', ...others] = targets;
  // Opened for the wrong one, it would call the wrong people.
  if (!isNamed && others.length > 0) {
    return `There are several targets, so name one before the reason: ${targets.join(', ')}.`;
  }
  return {
    kind: 'incident',
    word: 'open',
    target: isNamed ? first : only,
    reason: isNamed ? rest : text,
  };
}

function parseShort(
  word: 'have' | 'unsilence',
  text: string,
  targets: readonly string[],
): IncidentCommand | string {
  const { which, rest } = takeNamed(text, targets);
  if (rest !== '') return notNamed(rest, targets);
  return { kind: 'incident', word, which };
}

function parseSilence(text: string, targets: readonly string[]): IncidentCommand | string {
  const { which, rest } = takeNamed(text, targets);
  const [duration = '', reason] = split(rest);
  const forMs = parseDuration(duration);
  if (forMs === undefined) {
    return 'Say for how long and why, such as: incident silence 2h load test.';
  }
  return { kind: 'incident', word: 'silence', which, forMs, reason };
}

function parseMerge(text: string, targets: readonly string[]): IncidentCommand | string {
  const one = takeNamed(text, targets);
  // `into` may stand between the two, as people say it.
  const other = takeNamed(one.rest.replace(/^into\s+/i, ''), targets);
  if (one.which === null || other.which === null) {
    return 'Name two incidents, by id or target: the first becomes a part of the second.';
  }
  if (other.rest !== '') return 'Too many words: name two incidents.';
  return { kind: 'incident', word: 'merge', which: one.which, into: other.which };
}

function parseEnd(
  word: 'close' | 'reopen',
  text: string,
  targets: readonly string[],
): IncidentCommand {
  const { which, rest } = takeNamed(text, targets);
  return { kind: 'incident', word, which, reason: rest };
}

/** An id or a target at the start of a text, where one stands there. */
function takeNamed(
  text: string,
  targets: readonly string[],
): { readonly which: Named; readonly rest: string } {
  const [first = '', rest] = split(text);
  if (isIncidentId(first.toLowerCase())) return { which: { id: first.toLowerCase() }, rest };
  if (targets.includes(first)) return { which: { target: first }, rest };
  return { which: null, rest: text.trim() };
}

function notNamed(text: string, targets: readonly string[]): string {
  const [first = ''] = split(text);
  return first.toLowerCase().startsWith('inc-')
    ? 'Unknown incident. The list: /dbconn incidents.'
    : unknownTarget(first, targets);
}

function unknownWord(word: string): string {
  const near = nearest(word, words);
  const hint = near === undefined ? `Use one of: ${words.join(', ')}.` : `Did you mean ${near}?`;
  return `Unknown word after incident. ${hint}`;
}

/** The first word, and what stands after it. */
function split(text: string): [first: string | undefined, rest: string] {
  const [, first, rest = ''] = /^(\S+)\s*([^]*)$/.exec(text.trim()) ?? [];
  return [first, rest.trim()];
}
