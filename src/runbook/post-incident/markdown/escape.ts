import { cleanUntrusted } from '../../diagnose/untrusted.ts';

/** Longer than this a sentence is no sentence; what is cut ends in an ellipsis. */
const longestText = 600;
const longestCode = 300;

/** People and groups as Slack's sentences have them. */
const mention = /<@([UW][A-Z0-9]+)>|<!subteam\^(S[A-Z0-9]+)>/g;

/** Names of people by their Slack ids, where somebody knows them. */
export type Names = ReadonlyMap<string, string>;

/**
 * A sentence as Markdown shows it: nothing in it is markup, a link or a heading, whoever wrote it. Mentions become
 * `@Maya`, or the id where the name is not known.
 */
export function text(sentence: string, names: Names = new Map()): string {
  const named = sentence.replace(mention, (_, user: string | undefined, group: string) =>
    nameOf(user ?? group, names),
  );
  return escape(cleanUntrusted(named, longestText));
}

export function nameOf(id: string, names: Names): string {
  return `@${names.get(id) ?? id}`;
}

/** Backslashes before everything that begins markup somewhere, and before what GitHub makes links and mentions of. */
function escape(line: string): string {
  return line
    .replace(/[\\`*{}[\]<>|~$!&]|#(?=\d)|(?<!\w)_|_(?!\w)/g, '\\$&')
    .replace(/^([-+=#]|\d+[.)])/, '\\$1')
    .replace(/:(?=\/\/)/g, '\\:')
    .replace(/\bwww\./gi, (found) => `${found.slice(0, -1)}\\.`)
    .replace(/(?<=\w)@(?=\w)/g, '\\@');
}

/** Text from elsewhere, or something to type: as it is, and never interpreted. One line, also within a table. */
export function code(untrusted: string): string {
  const clean = cleanUntrusted(untrusted, longestCode);
  if (clean === '') return '–';
  const runs = clean.match(/`+/g) ?? [];
  const fence = '`'.repeat(Math.max(0, ...runs.map(({ length }) => length)) + 1);
  const padded = /^`|`$|^ .* $/.test(clean) ? ` ${clean} ` : clean;
  return `${fence}${padded.replaceAll(/(\\*)\|/g, toGuardedPipe)}${fence}`;
}

/** GitHub splits a table's row even within code, at each one that an odd number of backslashes does not guard. */
function toGuardedPipe(_: string, slashes: string): string {
  return `${slashes}${slashes.length % 2 === 0 ? '\\' : '\\\\'}|`;
}

/** A table; nothing where there are no rows. Cells are Markdown already. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line), ''];
}
