import type { Limits } from '../target.ts';
import type { Ask } from './ask.ts';

/** What somebody wants done, before the target's thresholds make an Ask of it. */
export type Wanted =
  | { readonly option: 'A'; readonly application?: string }
  | { readonly option: 'C'; readonly service: string };

export type ParsedWanted =
  | {
      readonly wanted: Wanted;
      /** As it was typed; undefined when none was. */
      readonly target: string | undefined;
      readonly problem?: undefined;
    }
  | { readonly problem: string; readonly wanted?: undefined; readonly target?: undefined };

/** PostgreSQL cuts an application_name at this length, so a longer one names no session. */
const longestApplication = 63;

/**
 * Reads what stands after `propose`: `A`, `A backend`, `A "my app" orders`, `C backend`. A single word after A
 * that is the name of a target is the target. Nothing here throws, and no problem repeats what was typed.
 */
export function parseWanted(text: string, targets: readonly string[]): ParsedWanted {
  const [letter, ...words] = toWords(text);
  switch (letter?.toUpperCase()) {
    case undefined:
      return { problem: 'Say which option: propose A, or propose C and a service.' };
    case 'A':
      return parseA(words, targets);
    case 'C':
      return parseC(words);
    case 'B':
    case 'D':
    case 'E':
      return { problem: 'Only options A and C can be proposed yet; the others go by hand.' };
    default:
      return { problem: 'There is no such option. It is propose A, or propose C and a service.' };
  }
}

function parseA(words: readonly string[], targets: readonly string[]): ParsedWanted {
  const [first, second, ...rest] = words;
  if (rest.length > 0) return { problem: tooMuch };
  if (first === undefined) return { wanted: { option: 'A' }, target: undefined };
  if (second === undefined && targets.includes(first)) {
    return { wanted: { option: 'A' }, target: first };
  }
  if (first.length > longestApplication) {
    return { problem: `No application_name is longer than ${longestApplication} characters.` };
  }
  return { wanted: { option: 'A', application: first }, target: second };
}

function parseC([service, target, ...rest]: readonly string[]): ParsedWanted {
  if (service === undefined) return { problem: 'Say which service: propose C and its name.' };
  if (rest.length > 0) return { problem: tooMuch };
  return { wanted: { option: 'C', service }, target };
}

const tooMuch = 'That is more than a name and a target. Names with spaces go in "quotes".';

function toWords(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|(\S+)/g)]
    .map(([, quoted, bare]) => quoted ?? bare ?? '')
    .filter((word) => word !== '');
}

/** The runbook's two statements of option A: transactions left open anywhere, and one application's idle sessions. */
export function toAsk(wanted: Wanted, limits: Limits): Ask {
  if (wanted.option === 'C') return { kind: 'restart', service: wanted.service };
  const { application } = wanted;
  return application === undefined
    ? { kind: 'idle-in-transaction', idleForMs: limits.terminateIdleInTransactionMs }
    : { kind: 'idle', application, idleForMs: limits.terminateIdleMs };
}
