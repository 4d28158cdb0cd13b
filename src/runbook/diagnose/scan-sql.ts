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
