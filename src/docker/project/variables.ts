import { parseEnv } from 'node:util';

/** A variable as Compose writes it: `$NAME`, `${NAME}`, `${NAME:-default}` and the other forms of the shell. */
export interface Reference {
  readonly name: string;
  readonly operator: '' | ':-' | '-' | ':?' | '?' | ':+' | '+';
  /** What stands after the operator; it may hold further references. */
  readonly word: string;
}

type Piece = string | Reference;

/** Looks a variable up; undefined where it is not set. */
export type Lookup = (name: string) => string | undefined;

const opening = /\$(?:\$|(?<bare>[A-Za-z_]\w*)|\{(?<name>[A-Za-z_]\w*)(?<operator>:?[-?+])?)/g;

/**
 * The pieces of a text by the rules of Compose ("Interpolation" in its documentation). A `$` that begins no reference
 * is text, as it is where nothing is interpolated; Compose itself would refuse the file.
 */
export function toPieces(text: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(opening)) {
    if (match.index < from) continue; // within the word of the reference before
    const { bare, name = '', operator = '' } = match.groups ?? {};
    const end = match.index + match[0].length;
    const close = bare === undefined && name !== '' ? findClose(text, end) : end;
    if (close === undefined) continue;
    pieces.push(text.slice(from, match.index));
    if (match[0] === '$$') pieces.push('$');
    else if (bare !== undefined) pieces.push({ name: bare, operator: '', word: '' });
    else pieces.push({ name, operator: toOperator(operator), word: text.slice(end, close) });
    from = bare === undefined && name !== '' ? close + 1 : end;
  }
  return [...pieces, text.slice(from)].filter((piece) => piece !== '');
}

/** The text as Compose reads it; what is not set is empty. */
export function interpolate(text: string, lookup: Lookup): string {
  return toPieces(text)
    .map((piece) => (typeof piece === 'string' ? piece : resolve(piece, lookup)))
    .join('');
}

/** Every variable the text refers to, within defaults too. */
export function namesIn(text: string): readonly string[] {
  return toPieces(text).flatMap((piece) =>
    typeof piece === 'string' ? [] : [piece.name, ...namesIn(piece.word)],
  );
}

/** Whether a reference takes its variable's value, and not what stands after its operator. */
export function takesValue({ name, operator }: Reference, lookup: Lookup): boolean {
  const value = lookup(name);
  return operator.startsWith(':') ? (value ?? '') !== '' : value !== undefined;
}

function resolve(reference: Reference, lookup: Lookup): string {
  const { name, operator, word } = reference;
  const isSet = takesValue(reference, lookup);
  if (operator.endsWith('+')) return isSet ? interpolate(word, lookup) : '';
  if (isSet) return lookup(name) ?? '';
  return operator.endsWith('-') ? interpolate(word, lookup) : '';
}

/** The brace that ends a reference, after those of the references in its word. */
function findClose(text: string, from: number): number | undefined {
  let depth = 1;
  for (let at = from; at < text.length; at += 1) {
    if (text.startsWith('${', at)) depth += 1;
    else if (text[at] === '}') depth -= 1;
    if (depth === 0) return at;
  }
  return undefined;
}

const operators = ['', ':-', '-', ':?', '?', ':+', '+'] as const;

function toOperator(text: string): Reference['operator'] {
  return operators.find((operator) => operator === text) ?? '';
}

/** A file of variables that Compose reads: a project's `.env`, or a service's `env_file`. */
export interface EnvText {
  /** As dbconn sees it. */
  readonly path: string;
  readonly text: string;
}

/** One variable, and the last file that gives it. */
interface EnvValue {
  readonly value: string;
  readonly path: string;
}

export type EnvValues = ReadonlyMap<string, EnvValue>;

/**
 * What these files say together: a later one wins over an earlier one, and values may refer to those before them and
 * to what `lookup` knows.
 */
export function readEnvValues(files: readonly EnvText[], lookup: Lookup = unknown): EnvValues {
  const values = new Map<string, EnvValue>();
  for (const { path, text } of files) {
    for (const [name, raw = ''] of Object.entries(parseEnv(withoutMark(text)))) {
      const value = interpolate(raw, (wanted) => values.get(wanted)?.value ?? lookup(wanted));
      values.set(name, { value: value.trim(), path });
    }
  }
  return values;
}

/** Compose skips a byte order mark; Node takes it for the beginning of the first name. */
function withoutMark(text: string): string {
  return text.replace(/^\u{FEFF}/u, '');
}

function unknown(): undefined {
  return undefined;
}
