export interface SqlToken {
  /** `constant` is a string, a number or bytes in any notation; `name` is double-quoted. */
  readonly kind: 'space' | 'comment' | 'constant' | 'name' | 'word' | 'parameter' | 'symbol';
  readonly text: string;
  /** Present on what runs to the end of the text without its closing quote, fence or comment mark. */
  readonly open?: true;
}

const space = /\s+/y;
const lineComment = /--[^\r\n]*/y;
const blockComment = /\/\*/y;
const blockEdge = /\/\*|\*\//g;
/** PostgreSQL counts every character beyond ASCII as a letter of an identifier. */
const word = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y;
const quotePrefix = /(?:[bnx]|u&)?'/iy;
const escapePrefix = /e'/iy;
const namePrefix = /(?:u&)?"/iy;
const parameter = /\$\d+/y;
const dollarQuote = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;
/** Longer than any number PostgreSQL reads, so that `0xBEEF`, `1_000`, `1e-9` and `12abc` leave nothing. */
const number = /\d(?:[\w.]|(?<=[eE])[+-](?=\d))*/y;

/**
 * Cuts SQL into tokens, in linear time, without ever failing: a statement cut off in the middle of a
 * string or a comment ends in one token that runs to the end. Joined, the tokens give the text back.
 *
 * A backslash before a closing quote ends the string or not, depending on standard_conforming_strings
 * of a session we cannot ask. Everything after such a quote is taken for part of the constant.
 */
export function scanSql(text: string): SqlToken[] {
  const tokens: SqlToken[] = [];
  for (let at = 0; at < text.length;) {
    const token = readToken(text, at);
    tokens.push(token);
    at += token.text.length;
  }
  return tokens;
}

function readToken(text: string, at: number): SqlToken {
  const take = (kind: SqlToken['kind'], end: number): SqlToken => ({
    kind,
    text: text.slice(at, end),
  });
  const takeClosed = (kind: SqlToken['kind'], end: number): SqlToken =>
    end === -1 ? { ...take(kind, text.length), open: true } : take(kind, end);
  let end = match(space, text, at);
  if (end > at) return take('space', end);
  end = match(lineComment, text, at);
  if (end > at) return take('comment', end);
  end = match(blockComment, text, at);
  if (end > at) return takeClosed('comment', endOfBlockComment(text, end));
  end = match(escapePrefix, text, at);
  if (end > at) return takeClosed('constant', endOfEscapedString(text, end));
  end = match(quotePrefix, text, at);
  if (end > at) return takeClosed('constant', endOfPlainString(text, end));
  end = match(namePrefix, text, at);
  if (end > at) return takeClosed('name', endOfQuotes(text, end, '"'));
  end = match(word, text, at);
  if (end > at) return take('word', end);
  end = match(parameter, text, at);
  if (end > at) return take('parameter', end);
  end = match(dollarQuote, text, at);
  if (end > at) return takeClosed('constant', endOfDollarQuote(text, at, end));
  end = match(number, text, at);
  if (end > at) return take('constant', end);
  return take('symbol', at + 1);
}

/** The end of the match at this very place, or the place itself without one. */
function match(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

/** Past the closing quote; a doubled one is content. This end and those below are -1 where none closes it. */
function endOfQuotes(text: string, from: number, quote: string): number {
  for (let at = text.indexOf(quote, from); at !== -1; at = text.indexOf(quote, at + 2)) {
    if (text[at + 1] !== quote) return at + 1;
  }
  return -1;
}

function endOfPlainString(text: string, from: number): number {
  const end = endOfQuotes(text, from, "'");
  if (end === -1) return -1;
  return /(?<!\\)(?:\\\\)*\\'/.test(text.slice(from, end)) ? text.length : end;
}

/** After an E: a backslash takes the next character with it. */
function endOfEscapedString(text: string, from: number): number {
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === "'" && text[at + 1] === "'") at += 1;
    else if (text[at] === "'") return at + 1;
  }
  return -1;
}

function endOfBlockComment(text: string, from: number): number {
  let depth = 1;
  blockEdge.lastIndex = from;
  for (let edge = blockEdge.exec(text); edge !== null; edge = blockEdge.exec(text)) {
    depth += edge[0] === '/*' ? 1 : -1;
    if (depth === 0) return blockEdge.lastIndex;
  }
  return -1;
}

function endOfDollarQuote(text: string, start: number, from: number): number {
  const fence = text.slice(start, from);
  const close = text.indexOf(fence, from);
  return close === -1 ? -1 : close + fence.length;
}

/**
 * The statement without a single constant or comment: strings, numbers and bytes in any notation become
 * `?`, comments a space, and a double-quoted word stays only where it can be nothing but a name. Values that
 * need no quotes go too: after SET and in ALTER … SET, and what follows PASSWORD. Text cut off in the middle
 * of a constant is blanked to its end. Linear in its length; never throws.
 *
 * libpg-query's `normalize` is not enough: it leaves literals in comments, COPY PROGRAM, COMMENT ON, ALTER
 * ROLE, DEFAULT, EXECUTE, CREATE VIEW and others, and fails on the cut text pg_stat_activity gives.
 */
export function redactSql(text: string): string {
  return redactTokens(scanSql(text));
}

/**
 * The statement of a session, redacted, or null where it has to be withheld: where quotes do not pair, as in `'O'Brien'`
 * or in a string that never ends, what is a literal cannot be told from what is not. Of a text that was cut off within a
 * quote, what precedes its first literal is left.
 * @param cut the text is the beginning of a longer one
 */
export function redactStatement(text: string, cut: boolean): string | null {
  const tokens = scanSql(text);
  const tooEarly = (token: SqlToken, index: number): boolean =>
    token.text.endsWith("'") && tokens[index + 1]?.kind === 'word';
  if (tokens.some(tooEarly)) return null;
  if (tokens.at(-1)?.open !== true) return redactTokens(tokens);
  return cut ? `${redactTokens(tokens.slice(0, tokens.findIndex(mayHoldData)))}?` : null;
}

/** What a literal could begin or end in, were the quotes of the text not paired. */
function mayHoldData({ kind, text, open }: SqlToken): boolean {
  if (kind === 'constant') return /['$]/.test(text);
  return open === true || (kind === 'comment' && text.startsWith('/*'));
}

function redactTokens(tokens: readonly SqlToken[]): string {
  let context = start;
  let redacted = '';
  for (const [index, token] of tokens.entries()) {
    if (token.kind === 'space' || token.kind === 'comment') {
      redacted += token.kind === 'space' ? token.text : ' ';
      continue;
    }
    redacted += replacement(token, context, tokens[index + 1]?.text);
    context = pass(context, token);
  }
  return redacted;
}

/** What the tokens before the next one say about it. */
interface Context {
  /** Upper case. */
  readonly verb: string;
  readonly object: string;
  readonly last: SqlToken | undefined;
  /** `value` from the `=` or TO of a SET up to the end of the statement. */
  readonly setting: 'none' | 'named' | 'value';
  readonly password: 'none' | 'named' | 'value';
}

const start: Context = { verb: '', object: '', last: undefined, setting: 'none', password: 'none' };

function replacement(token: SqlToken, context: Context, next: string | undefined): string {
  const isValue = context.setting === 'value' || context.password === 'value';
  switch (token.kind) {
    case 'constant':
      return '?';
    case 'name':
      return !isValue && isName(token, context.last, next) ? token.text : '"?"';
    case 'word':
      return isValue && !/^(?:null|default)$/i.test(token.text) ? '?' : token.text;
    default:
      return token.text;
  }
}

const plainName = /^"[A-Za-z_]\w{0,62}"$/;
const introducesName = new Set(
  'ANALYZE AS CALL COLUMN CONSTRAINT DATABASE EXISTS EXTENSION FROM FUNCTION INDEX INTO JOIN LOCK ONLY REFERENCES ROLE SCHEMA SEQUENCE TABLE TRIGGER TRUNCATE TYPE UPDATE USER VACUUM VIEW'.split(
    ' ',
  ),
);

/**
 * MySQL's habit `WHERE email = "a@b.c"` fails in PostgreSQL, yet stays readable as the last statement of an
 * aborted session. So a quoted word is a name only beside a dot, or after a keyword that no value follows.
 */
function isName(token: SqlToken, last: SqlToken | undefined, next: string | undefined): boolean {
  if (!plainName.test(token.text)) return false;
  if (last?.text === '.' || next === '.') return true;
  return last?.kind === 'word' && introducesName.has(last.text.toUpperCase());
}

function pass(context: Context, token: SqlToken): Context {
  if (token.text === ';') return start;
  const upper = token.text.toUpperCase();
  const { verb, object } = context;
  return {
    verb: verb === '' ? upper : verb,
    object: verb !== '' && object === '' ? upper : object,
    last: token,
    setting: passSetting(context, upper),
    password: passPassword(context, upper),
  };
}

/** `SET a.b = word`, `SET x TO word, word`, `ALTER ROLE r SET x = word`; not `UPDATE t SET a = b`. */
function passSetting({ verb, setting }: Context, upper: string): Context['setting'] {
  if (upper === 'SET' && /^(?:|ALTER|CREATE)$/.test(verb)) return 'named';
  return setting === 'named' && (upper === '=' || upper === 'TO') ? 'value' : setting;
}

const holdsPassword = /^(?:ROLE|USER|GROUP|SERVER|SUBSCRIPTION|DATABASE|SYSTEM|FOREIGN)$/;

/** `ALTER ROLE r PASSWORD word` and `password = word`; not the column in `SELECT password FROM …`. */
function passPassword({ verb, object, password }: Context, upper: string): Context['password'] {
  if (/(?:PASSWORD|PASSWD|SECRET|TOKEN)"?$/.test(upper)) {
    return /^(?:ALTER|CREATE)$/.test(verb) && holdsPassword.test(object) ? 'value' : 'named';
  }
  return password === 'named' && (upper === '=' || upper === ':') ? 'value' : 'none';
}
