import { redactSql } from './redact.ts';

/** Docker cuts a line at 16 kB too; what follows is dropped, so that odd lines cannot cost odd times. */
const longestText = 16_384;

/**
 * A log line, or several that belong together, without what it may hold of other people's data: addresses
 * with passwords, secrets by name or by shape, constants of statements, their parameters, the values that
 * PostgreSQL quotes in DETAIL and CONTEXT. Errs towards blanking. At most 16 kB are looked at; never throws.
 */
export function redactText(text: string): string {
  const { prose, statement } = splitStatement(text.slice(0, longestText));
  // What looks like a statement may be prose after all (`select a pool of postgres://…`), so it is blanked twice.
  const sql = redactSql(statement.replace(behindStatement, '…'));
  return redactQuotes(blankSecrets(prose)) + blankSecrets(sql);
}

function blankSecrets(text: string): string {
  return steps.reduce((rest, [pattern, blank]) => rest.replace(pattern, blank), text);
}

/** Where a statement begins within a log line; nothing behind it is prose any more. */
const statementStart = new RegExp(
  [
    String.raw`\b(?:STATEMENT|QUERY|statement|LINE \d{1,9}|(?:execute|parse|bind) [^:\n]{1,80}):`,
    String.raw`\[SQL:`,
    String.raw`\b(?:select|merge\s+into|insert\s+into|delete\s+from|comment\s+on)\s`,
    String.raw`\b(?:execute|call|prepare)\s+[\w".]{1,200}\s*\(`,
    String.raw`\b(?:with|prepare)\s+[\w"]{1,200}\s+as\s+(?:not\s|materialized\s|\(|select|insert|update|delete)`,
    String.raw`\bcopy\s+\S{1,200}\s+(?:from|to)\s`,
    String.raw`\bupdate\s+\S{1,200}\s+set\s`,
    String.raw`\b(?:alter|create)\s+(?:role|user|view|table)\s`,
    String.raw`\bdo\s+\$`,
    String.raw`\bset\s+[\w.]{1,200}\s*(?:=|\bto\b)`,
  ].join('|'),
  'i',
);
/** Parameters as drivers print them behind a statement: Python's and Ruby's notations are no SQL. */
const behindStatement =
  /\[(?:parameters:|generated in|cached since|no key|raw sql)[^]*$|\b(?:parameters?\s*[:=]|DETAIL:|CONTEXT:)[^]*$/i;

/** The text before the first statement, and from there on. */
export function splitStatement(text: string): { prose: string; statement: string } {
  const at = text.search(statementStart);
  return at === -1
    ? { prose: text, statement: '' }
    : { prose: text.slice(0, at), statement: text.slice(at) };
}

const secretName =
  'pass(?:word|wd|phrase|file)?|pwd|secret|token|credentials?|authorization|cookie|api[_-]?key|access[_-]?key|private[_-]?key|dsn';
const quoted = String.raw`\\?"(?:[^"\\]|\\[^])*(?:"|$)|\\?'(?:[^'\\]|\\[^])*(?:'|$)`;
const keepsDetail =
  /^\s*(?:Process \d+ waits for|Consistent recovery state has not|The postmaster has commanded)/;

/** In this order: what may hold anything goes first, to its end. */
const steps: readonly (readonly [RegExp, (found: string, ...groups: string[]) => string])[] = [
  [/-----BEGIN [^]*$/, () => '…'],
  [behindStatement, (found) => detail(found)],
  [/(Failing row contains|Key) \([^]*$/, (_found, what = '') => `${what} (…)`],
  [
    /\b((?:invalid|malformed|out of range|too long)\b[^"\n]{0,200})"[^]*$/,
    (_, say = '') => `${say}"…"`,
  ],
  [/\b([a-z][\w+.-]{0,30}:\/\/)[^\s'"<>]*/gi, (found) => redactUrl(found)],
  [
    new RegExp(
      `(${secretName})([\\w.-]{0,40}(?:\\\\?["'])?\\s{0,9}(?:=>?|:)\\s{0,9})(?:${quoted}|(?:bearer|basic|digest)\\s+)?[^\\s,;&)}\\]]*`,
      'gi',
    ),
    (_found, name = '', sign = '') => `${name}${sign}…`,
  ],
  [/\b(bearer|basic|digest)\s+[^\s'",]+/gi, (_found, word = '') => `${word} …`],
  [/\b(?:xox[a-z]|xapp|gh[a-z]|github_pat|sk|pk|glpat)[-_][\w-]{8,}/g, () => '…'],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{12,}/g, () => '…'],
  [/\beyJ[\w-]{8,}(?:\.[\w-]*){0,4}/g, () => '…'],
  [/[\w+=~-]{32,}/g, (found) => (/\d/.test(found) && /[a-z]/i.test(found) ? '…' : found)],
  [/[^\s@<>()"',:;]{1,64}@[^\s@<>()"',:;]{1,255}/g, () => '…@…'],
];

/** Deadlock details name processes and locks only; most others quote the values of rows. */
function detail(found: string): string {
  const [, word = '', rest = ''] = /^(DETAIL:|[^:=\s]*[:=]?)([^\n]*)/.exec(found) ?? [];
  return word === 'DETAIL:' && keepsDetail.test(rest) ? word + rest : `${word} …`;
}

/** A database's address goes as a whole; a page's keeps host and path, unless it holds an account. */
function redactUrl(url: string): string {
  const plain = /^https?:/i.test(url) && !url.includes('@');
  return plain ? url.replace(/[?#].*$/, '?…') : `${url.slice(0, url.indexOf('://'))}://…`;
}

/** What stands in single quotes, if it is no apostrophe: from the first to the last, since they may not pair. */
function redactQuotes(text: string): string {
  const quotes = [...text.matchAll(/'/g)]
    .map(({ index }) => index)
    .filter((at) => !isApostrophe(text, at));
  const first = quotes[0];
  const last = quotes.at(-1);
  if (first === undefined || last === undefined) return text;
  const end = quotes.length % 2 === 0 ? last : text.length;
  return `${text.slice(0, first)}'…'${text.slice(end + 1)}`;
}

function isApostrophe(text: string, at: number): boolean {
  return (
    /[A-Za-z]{2}$/.test(text.slice(Math.max(0, at - 2), at)) &&
    /^(?:t|s|re|ve|ll|d|m)\b(?!')/.test(text.slice(at + 1, at + 5))
  );
}
