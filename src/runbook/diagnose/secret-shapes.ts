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
