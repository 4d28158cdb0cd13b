import { parseEscalation } from '../escalation/escalate.ts';
import type { EscalationRequest } from '../incidents/rules.ts';
import { parseIncident, parseRecord } from './parse-incident.ts';
import type { IncidentCommand, RecordCommand } from './parse-incident.ts';
import { parseRemedyCommand } from './parse-remedy.ts';
import type { RemedyCommand } from './parse-remedy.ts';
import { nearest, unknownTarget } from './unknown-word.ts';
import { allWords, isHelp, readOnlyWords, toWord } from './words.ts';
import type { ReadOnlyWord, Word } from './words.ts';

/** Words people try because other tools have them, and what to do instead. */
const notHere: Readonly<Record<string, string>> = {
  approve: 'Approve with the button of the request, in Slack.',
  deny: 'Deny with the button of the request, in Slack.',
};

export type Command =
  | { readonly kind: 'look'; readonly word: ReadOnlyWord; readonly target: string }
  | {
      readonly kind: 'propose';
      readonly remedyCommand: RemedyCommand;
      readonly target: string;
      /** Shows the plan and records nothing. */
      readonly isPreview: boolean;
    }
  | { readonly kind: 'stop' | 'go'; readonly reason: string }
  | { readonly kind: 'requests' }
  | { readonly kind: 'break-glass'; readonly id: string; readonly reason: string }
  | { readonly kind: 'escalate'; readonly ask: EscalationRequest; readonly target: string }
  | IncidentCommand
  | RecordCommand
  | Help;

interface Help {
  readonly kind: 'help';
  /** Why what was typed cannot be done; absent where help was asked for. */
  readonly problem?: string;
  /** The word that it is about; absent: all of them. */
  readonly about?: Word;
}

/**
 * Reads what stands after `/dbconn`. Nothing given means `status` of the only (or first) target.
 * Unknown words and targets become help that names the nearest match; nothing here throws.
 */
export function parseCommand(text: string, targets: readonly string[]): Command {
  const [, word = 'status', rest = ''] = /^(\S+)\s*([^]*)$/.exec(text.trim()) ?? [];
  if (isHelp(word)) return parseHelp(rest, targets);
  const about = toWord(word);
  if (about === undefined) return help(unknownWord(word.toLowerCase(), targets));
  if (isHelp(rest) && !targets.includes(rest)) return { kind: 'help', about };
  const command = parseWord(word.toLowerCase(), rest, targets);
  return command.kind === 'help' ? { ...command, about } : command;
}

function parseHelp(word: string, targets: readonly string[]): Help {
  if (word === '') return { kind: 'help' };
  const about = toWord(word);
  return about === undefined ? help(unknownWord(word, targets)) : { kind: 'help', about };
}

function parseWord(lower: string, rest: string, targets: readonly string[]): Command {
  switch (lower) {
    case 'propose':
    case 'preview':
      return parseProposal(rest, targets, lower === 'preview');
    case 'cancel':
    case 'kill':
      return parseProposal(`${lower} ${rest}`, targets, false);
    case 'stop':
    case 'go':
      return { kind: lower, reason: rest };
    case 'requests':
      return { kind: 'requests' };
    case 'break-glass':
      return parseException(rest);
    case 'escalate':
      return parseCallForHelp(rest, targets);
    case 'incident':
    case 'incidents':
      return orHelp(parseIncident(rest, targets));
    case 'history':
    case 'report':
    case 'prevention':
      return orHelp(parseRecord(lower, rest, targets));
    default:
      return parseReadOnly(lower, rest, targets);
  }
}

function parseException(text: string): Command {
  const [, id = '', reason = ''] = /^(\S*)\s*([^]*)$/.exec(text.trim()) ?? [];
  if (id === '' || id.length > 100) {
    return help('Name the request by its id, and say why: break-glass ID REASON.');
  }
  return { kind: 'break-glass', id, reason };
}

function parseReadOnly(lower: string, text: string, targets: readonly string[]): Command {
  const readOnlyWord = readOnlyWords.find((known) => known === lower);
  if (readOnlyWord === undefined) return help(unknownWord(lower, targets));
  const [target, ...rest] = text.split(/\s+/).filter(Boolean);
  if (rest.length > 0) return help('Too many words: type a word and a target.');
  if (target === undefined) return { kind: 'look', word: readOnlyWord, target: targets[0] ?? '' };
  return targets.includes(target)
    ? { kind: 'look', word: readOnlyWord, target }
    : help(unknownTarget(target, targets));
}

/** Slack's own clients turn the two hyphens into a dash. */
const dryRun = /(?:^|\s)(?:--|[—–])dry-run(?=\s|$)/gi;

function parseProposal(text: string, targets: readonly string[], previewed: boolean): Command {
  const words = text.replaceAll(dryRun, ' ');
  const isPreview = previewed || words !== text;
  const { remedyCommand, target, problem } = parseRemedyCommand(words, targets);
  if (problem !== undefined) return help(problem);
  if (target !== undefined && !targets.includes(target)) {
    return help(unknownTarget(target, targets));
  }
  const [only = '', ...others] = targets;
  // A look at the wrong target costs nothing; a change of it may.
  if (target === undefined && others.length > 0) {
    return help(`There are several targets, so name one at the end: ${targets.join(', ')}.`);
  }
  return { kind: 'propose', remedyCommand, target: target ?? only, isPreview };
}

/** With several targets the one it is about may stand before the reason; the first is meant otherwise. */
function parseCallForHelp(text: string, targets: readonly string[]): Command {
  const ask = parseEscalation(text);
  const [first = '', ...rest] = ask.reason.split(/\s+/);
  return targets.length > 1 && targets.includes(first)
    ? { kind: 'escalate', ask: { ...ask, reason: rest.join(' ') }, target: first }
    : { kind: 'escalate', ask, target: targets[0] ?? '' };
}

function help(problem: string): Help {
  return { kind: 'help', problem };
}

function orHelp(parsed: Command | string): Command {
  return typeof parsed === 'string' ? help(parsed) : parsed;
}

function unknownWord(word: string, targets: readonly string[]): string {
  if (Object.hasOwn(notHere, word)) return notHere[word] ?? '';
  const near = nearest(word, [...allWords, 'incidents']);
  if (near !== undefined) return `Unknown word. Did you mean ${near}?`;
  return targets.includes(word)
    ? 'A word comes before the target, such as status.'
    : 'Unknown word.';
}
