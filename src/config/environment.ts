import { readFileSync, statSync } from 'node:fs';
import { isAbsolute } from 'node:path';

/** Every problem of a configuration at once, each a sentence with its fix. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(['The configuration has problems:', ...problems.map((line) => `- ${line}`)].join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** The only place that reads the environment: it is handed on from here. */
export function readEnvironment(): Environment {
  return process.env;
}

/**
 * The variable, or else what is in the file that NAME_FILE names, as the images of Docker's library have it. Throws a
 * ConfigError where both are set or the file cannot be read; nothing of a value is part of it.
 */
export function readVariable(environment: Environment, name: string): string | undefined {
  const [value, file] = [environment[name], environment[`${name}_FILE`]];
  if (file === undefined || file === '') return value;
  if (value !== undefined) {
    throw new ConfigError([`${name} and ${name}_FILE are both set. Set one of them.`]);
  }
  const read = readSecret(file);
  if ('why' in read) throw new ConfigError([`${name}_FILE: ${read.why}`]);
  return read.secret;
}

/** A secret is a line, a certificate at most. */
const mostSecretBytes = 65_536;

/** What is in the file, without the line end after it. A pipe is refused: opening it would wait for a writer. */
function readSecret(path: string): { readonly secret: string } | { readonly why: string } {
  if (!isAbsolute(path)) return { why: 'the path of its file must begin with /.' };
  try {
    const stats = statSync(path);
    if (!stats.isFile()) return { why: 'what it names is not a file.' };
    if (stats.size > mostSecretBytes) return { why: 'its file is larger than 64 KiB.' };
    return { secret: readFileSync(path, 'utf8').replace(/\r?\n$/, '') };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    return {
      why: `its file cannot be read${code}. The user dbconn runs as must be able to read it.`,
    };
  }
}

/** A key of dbconn.yml as a sentence may show it: what is no name may be an address that slipped out of its value. */
export function shownKey(key: PropertyKey): string {
  const text = String(key);
  return /^[\w-]{1,60}$/.test(text) ? text : '…';
}

interface Scope {
  readonly environment: Environment;
  readonly problems: string[];
  /** Where the value is in the file, such as `targets.0.database.url`; empty for the whole of it. */
  readonly path: string;
  /** What the value is within: an alias of YAML may name one of these. */
  readonly within?: readonly unknown[];
}

/** A message of `${NAME:?message}` is shown; a longer one is no message. */
const mostMessage = 200;

/**
 * Fills in the environment's variables in every string of the file, as the shell does (POSIX shell, 2.6.2 Parameter
 * Expansion): `${NAME}`, `${NAME:-default}`, `${NAME-default}`, `${NAME:?message}` and `${NAME?message}`. With a colon
 * an empty variable counts as missing; a default may hold such forms itself. `${file:/run/secrets/x}` is what is in that
 * file, and `${NAME}` what is in the file NAME_FILE names where only that is set. `problems` gets a sentence for a variable
 * that is missing and for every other form: taken as text it would become the secret. Values are never part of one.
 */
export function interpolate(value: unknown, scope: Scope): unknown {
  if (typeof value === 'string') return expand(value, scope);
  const { path, problems, within = [] } = scope;
  if (within.includes(value)) {
    problems.push(
      `${path}: an alias (*) refers to a value that contains it. Write the value itself.`,
    );
    return null;
  }
  const below = (key: string | number): Scope => ({
    ...scope,
    within: [...within, value],
    path: scope.path === '' ? shownKey(key) : `${scope.path}.${shownKey(key)}`,
  });
  if (Array.isArray(value)) return value.map((item, at) => interpolate(item, below(at)));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => {
    const scope = below(key);
    if (key.includes('${')) {
      scope.problems.push(`${scope.path}: \${…} is read in values, not in keys.`);
    }
    return [key, interpolate(item, scope)];
  });
  return Object.fromEntries(entries);
}

function expand(text: string, scope: Scope): string {
  let expanded = '';
  let at = 0;
  for (;;) {
    const start = text.indexOf('${', at);
    if (start === -1) return expanded + text.slice(at);
    const end = endOf(text, start);
    expanded += text.slice(at, start);
    if (end === -1) {
      scope.problems.push(refuse(scope, '${ without its }'));
      return expanded;
    }
    // For Compose `$${NAME}` means the text ${NAME}: people who write it do not want the variable.
    if (text[start - 1] === '$') scope.problems.push(refuse(scope, '$${…}'));
    else expanded += substitute(text.slice(start + 2, end), scope);
    at = end + 1;
  }
}

/** The position of the `}` that belongs to the `${` at `start`; -1 where there is none. */
function endOf(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    if (text.startsWith('${', at)) depth += 1;
    else if (text[at] === '}' && (depth -= 1) === 0) return at;
  }
  return -1;
}

function substitute(inner: string, scope: Scope): string {
  const { problems } = scope;
  if (inner.startsWith('file:')) {
    const read = readSecret(inner.slice('file:'.length));
    if ('secret' in read) return read.secret;
    problems.push(`${scope.path}: ${read.why}`);
    return '';
  }
  const form = /^(?<name>[A-Za-z_]\w*)(?:(?<colon>:?)(?<sign>[-?])(?<word>.*))?$/s.exec(inner);
  const { name = '', colon = '', sign, word = '' } = form?.groups ?? {};
  if (form === null || /\$(?!\{)|`|\\/.test(word)) {
    problems.push(refuse(scope, formOf(inner)));
    return '';
  }
  const found = variableOf(name, scope);
  if (found !== undefined && (colon === '' || found !== '')) return found;
  if (sign === '-') return expand(word, scope);
  const missing = `The environment variable ${name} is ${found === '' ? 'empty' : 'not set'}`;
  const why = sign === '?' && word !== '' ? `: ${word.slice(0, mostMessage)}` : '';
  problems.push(/[.!?]$/.test(why) ? missing + why : `${missing}${why}.`);
  return '';
}

function variableOf(name: string, { environment, problems }: Scope): string | undefined {
  try {
    return readVariable(environment, name);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems);
    return '';
  }
}

/** What kind of form it is, by its name and signs alone: the rest may be a secret. */
function formOf(inner: string): string {
  const [, name = '', sign = ''] = /^([A-Za-z_]\w*)(:?[-?+=]|[#%^,/@:[]?)/.exec(inner) ?? [];
  if (name === '') return '${…}';
  // Everything the forms with - and ? allow is read, so what is wrong is in the word after them.
  return /[-?]$/.test(sign) ? `\${${name}${sign}…} with $, \` or \\ in it` : `\${${name}${sign}…}`;
}

function refuse({ path }: Scope, form: string): string {
  const read =
    '${NAME}, ${NAME:-default}, ${NAME-default}, ${NAME:?message}, ${NAME?message} and ${file:/path}';
  return `${path}: ${form} is not read here. Use ${read}.`;
}
