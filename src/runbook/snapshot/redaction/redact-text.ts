import { redactSql } from './redact-sql.ts';

/** Parameters as drivers print them behind a statement: Python's and Ruby's notations are no SQL. */
export const behindStatement =
  /\[(?:parameters:|generated in|cached since|no key|raw sql)[^]*$|\b(?:parameters?\s*[:=]|DETAIL:|CONTEXT:)[^]*$/i;

/** The text without what is a secret by its name or its looks. */
export function blankSecrets(text: string): string {
  return steps.reduce((rest, [pattern, blank]) => rest.replace(pattern, blank), text);
}

const secretName =
  'pass(?:word|wd|phrase|file)?|pwd|secret|token|credentials?|authorization|cookie|api[ _-]?key|access[ _-]?key|private[ _-]?key|dsn|jwt|signature';
const named = new RegExp(`(?:${secretName})$`, 'i');

/** Whether what has this name is a secret, such as `botToken`. */
export function isSecretName(name: string): boolean {
  return named.test(name);
}

/** Quotes within are escaped or doubled; ODBC has braces. */
const quoted = String.raw`\\?"(?:[^"\\]|\\[^]|"")*(?:"|$)|\\?'(?:[^'\\]|\\[^]|'')*(?:'|$)|\{[^}]*(?:\}|$)`;
/** What stands between a name and its value; in a list of words two quotes and a comma. */
const sign = String.raw`(?:\\?["'])?\s{0,9}(?:=>|->|==?|:=?|%3D)\s{0,9}|["']\s{0,9},\s{0,9}(?=["'])`;
const value = String.raw`(?:${quoted}|(?:bearer|basic|digest)\s+)?[^\s,;&)}\]]*`;
/** What is said of a password that is none. */
const ordinary =
  'a|accepted|already|an|and|as|at|auth\\w*|being|by|correct|denied|disabled|empty|enabled|encrypt\\w*|expired|expires|false|for|from|hash\\w*|in|incorrect|invalid|mandatory|method|mismatch|missing|needed|no|none|not|null|of|on|only|optional|or|policy|prompt|protected|provided|rejected|required|set|stored|supplied|the|to|too|true|unknown|unset|used|valid|was|weak|with|without|wrong|yes';
/** Behind `-p`, `-u` and their long forms, on its own, glued, or as the next word of a list. */
const argument = String.raw`(?:\s+|=|["']\s{0,9},\s{0,9}(?=["'])|(?=[^\s=,;:)\]]))`;
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
  // A password may hold what ends an address elsewhere.
  [/\b[a-z][\w+.-]{0,30}:\/\/[^\s@/]{0,300}@[^\s'"<>]*/gi, (found) => redactUrl(found)],
  [/\b([a-z][\w+.-]{0,30}:\/\/)[^\s'"<>]*/gi, (found) => redactUrl(found)],
  // user:password@host without a scheme.
  [/(?<![\w.])[\w.+-]{1,64}:[^\s@/]{1,255}@[\w.-]*/g, () => '…@…'],
  // A header to its end: what follows the first blank, comma or semicolon is its secret too.
  [
    /\b((?:proxy-)?authorization|(?:set-)?cookie)(\s{0,9}[:=]\s{0,9})(?![\s"'\\])[^\n]*/gi,
    (_found, name = '', sep = '') => `${name}${sep}…`,
  ],
  [
    new RegExp(`(<[\\w:.-]{0,40}(?:${secretName})[\\w:.-]{0,40})[^<>]*>[^<]*`, 'gi'),
    (_, tag = '') => `${tag}>…`,
  ],
  [
    new RegExp(`(--[\\w-]{0,40}(?:${secretName})[\\w-]{0,40})(\\s+)(?!-)${value}`, 'gi'),
    (_found, name = '', blank = '') => `${name}${blank}…`,
  ],
  [
    new RegExp(`((?:${secretName})[\\w.-]{0,40})(${sign})${value}`, 'gi'),
    (_found, name = '', between = '') => `${name}${between}…`,
  ],
  [
    new RegExp(
      `\\b((?:${secretName})\\s+(?:(?:is|was|are|now|set\\s+to)\\s+)+(?:not\\s+)?)(?!(?:${ordinary})\\b)(?:${quoted}|\\S+)`,
      'gi',
    ),
    (_found, say = '') => `${say}…`,
  ],
  [
    new RegExp(
      `\\b((?:with|using)\\s+(?:the\\s+)?(?:password|passphrase|secret|token)\\s+)(?!(?:${ordinary})\\b)(?:${quoted}|\\S+)`,
      'gi',
    ),
    (_found, say = '') => `${say}…`,
  ],
  [
    new RegExp(`\\b((?:${secretName})\\s+)(?=["'])(?:${quoted})`, 'gi'),
    (_found, name = '') => `${name}…`,
  ],
  // `-p X`, `-pX`: a password to some, a port to others.
  [
    new RegExp(`((?:^|[\\s"'[(,])-p)${argument}(?:${quoted}|[^\\s,;)\\]]+)`, 'g'),
    (_found, option = '') => `${option} …`,
  ],
  // `-u user:X`: an account; a name alone stays.
  [
    new RegExp(
      `((?:^|[\\s"'[(,])(?:-[uU]|--(?:proxy-)?user))${argument}["']?[^\\s:"',]{0,100}:\\S*`,
      'g',
    ),
    (_found, option = '') => `${option} …`,
  ],
  // .pgpass: host:port:database:user:password
  [/(?<![\w.:])[\w.*-]{1,100}:(?:\d{2,5}|\*):[\w*-]{1,63}:[\w*-]{1,63}:\S+/g, () => '…'],
  [/\b(bearer|basic|digest)\s+["']?[^\s'",]+/gi, (_found, word = '') => `${word} …`],
  [
    /\b(?:xox[a-z]|xapp|gh[a-z]|github_pat|sk|pk|rk|gl[a-z]{2,4}t|npm|pypi|hf|dop_v1|whsec|SG\.[\w-]{8,}|ya29|AIza)[-_.]?[\w-]{8,}(?:\.[\w-]+)*/g,
    (found) => (/[-_.]/.test(found) || found.startsWith('AIza') ? '…' : found),
  ],
  // A secret access key of AWS, and what is longer, may have slashes.
  [
    /(?<![\w+/=])(?=[^\s]{0,79}\d)(?=[^\s]{0,79}[a-z])(?=[^\s]{0,79}[A-Z])(?:[A-Za-z0-9+/]{40}|[A-Za-z0-9+/]{64,})={0,2}(?![\w+/=.-])/g,
    () => '…',
  ],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{12,}/g, () => '…'],
  [/\beyJ[\w-]{8,}(?:\.[\w-]*){0,4}/g, () => '…'],
  [/[\w+=~-]{32,}/g, (found) => (/\d/.test(found) && /[a-z]/i.test(found) ? '…' : found)],
  [/[^\s@<>()"',:;/]{1,64}@[^\s@<>()"',:;]{1,255}/g, () => '…@…'],
];

/** Deadlock details name processes and locks only; most others quote the values of rows. */
function detail(found: string): string {
  const [, word = '', rest = ''] = /^(DETAIL:|[^:=\s]*[:=]?)([^\n]*)/.exec(found) ?? [];
  return word === 'DETAIL:' && keepsDetail.test(rest) ? word + rest : `${word} …`;
}

/** A database's address goes as a whole, the path of a file stays; a page's keeps host and path, unless it holds an account. */
function redactUrl(url: string): string {
  if (/^file:\/\/\/[^@]*$/i.test(url)) return url;
  const plain = /^https?:/i.test(url) && !url.includes('@');
  if (/^https?:\/\/hooks\.slack\.com\//i.test(url)) return 'https://hooks.slack.com/…';
  return plain ? url.replace(/[?#].*$/, '?…') : `${url.slice(0, url.indexOf('://'))}://…`;
}

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
/** The text before the first statement, and from there on. */
export function splitStatement(text: string): { prose: string; statement: string } {
  const at = text.search(statementStart);
  return at === -1
    ? { prose: text, statement: '' }
    : { prose: text.slice(0, at), statement: text.slice(at) };
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

/** Line breaks, tabs and the odder spaces; not the byte order mark, which is none but matches \s. */
const spacing = /(?:(?!\uFEFF)[\s\u0085\u2800])+/gu;
/** Controls, bidi and zero-width characters, fillers, variation selectors, unassigned and private ones. */
const invisible = /[\p{Cc}\p{Cf}\p{Cn}\p{Co}\p{Cs}\p{Default_Ignorable_Code_Point}]/gu;
/** More marks than this on one letter only serve to paint over the lines around it. */
const stackedMarks = /(\p{M}{2})\p{M}+/gu;

/**
 * Text out of a database or a log as one line that can neither hide, reverse nor break what stands around it.
 * Says nothing about markup: the renderer puts it where none is interpreted.
 * @param maxCodePoints the longest result, its ellipsis included
 */
export function cleanUntrusted(text: string, maxCodePoints: number): string {
  // Enough for eight UTF-16 units per code point kept; a name of megabytes must not cost a scan of megabytes.
  const longest = maxCodePoints * 8;
  const clean = text
    .slice(0, longest)
    .replace(spacing, ' ')
    .replace(invisible, '')
    .replace(stackedMarks, '$1')
    .trim();
  const cut = cutCodePoints(clean, maxCodePoints);
  if (text.length <= longest || cut !== clean) return cut;
  return cutCodePoints(`${clean}…`, maxCodePoints);
}

/** Cuts between code points, never within a surrogate pair; the last one kept is then an ellipsis. */
export function cutCodePoints(text: string, maxCodePoints: number): string {
  if (text.length <= maxCodePoints) return text;
  const points = Array.from(text);
  if (points.length <= maxCodePoints) return text;
  return `${points.slice(0, Math.max(0, maxCodePoints - 1)).join('')}…`;
}
