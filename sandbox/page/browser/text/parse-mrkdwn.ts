import { readControlToken } from './control-token.ts';
import { isEmojiName } from './emoji.ts';
import { startInline } from './inline-writer.ts';
import type { Inline, InlineStyle, Passage } from './inline.ts';

interface MrkdwnOptions {
  /** Slack's `verbatim`: bare URLs stay text. */
  readonly verbatim?: boolean;
}

interface Reading extends MrkdwnOptions {
  /** Styles already open: `*a *b* c*` does not nest, which also bounds the recursion. */
  readonly open: readonly InlineStyle[];
}

interface Found {
  readonly node: Inline;
  readonly end: number;
}

const STYLES: Readonly<Record<string, InlineStyle>> = { '*': 'bold', _: 'italic', '~': 'strike' };
const WORD = /[\p{L}\p{N}]/u;
const EMOJI = /:([a-z0-9_+-]+):/y;
const BARE_URL = /https?:\/\/[^\s<>|]+/y;
const QUOTE_MARK = /^(?:&gt;|>) ?/;

/** Cuts Slack mrkdwn into preformatted passages, quotes and plain lines. */
export function parseMrkdwn(source: string, options: MrkdwnOptions = {}): readonly Passage[] {
  const parts = source.split(/```(?:\n)?([\s\S]+?)```/);
  return parts.flatMap((part, index) => {
    if (index % 2 === 1) return [{ kind: 'preformatted', children: parseLiteral(part) } as const];
    const trimmed = trimAroundCode(part, { first: index === 0, last: index === parts.length - 1 });
    return trimmed === '' ? [] : parseLines(trimmed, options);
  });
}

/** The inline nodes of one run of mrkdwn. */
function parseMrkdwnInline(source: string, options: MrkdwnOptions = {}): readonly Inline[] {
  return readInline(source, { ...options, open: [] });
}

/** A preformatted passage stands on lines of its own: the line break beside it is already its edge. */
function trimAroundCode(part: string, place: { first: boolean; last: boolean }): string {
  const head = place.first ? part : part.replace(/^\n/, '');
  return place.last ? head : head.replace(/\n$/, '');
}

function parseLines(text: string, options: MrkdwnOptions): Passage[] {
  const passages: { quote: boolean; lines: string[] }[] = [];
  let quoteToTheEnd = false;
  for (const line of text.split('\n')) {
    const long = /^(?:&gt;|>){3} ?/.exec(line);
    const quote = quoteToTheEnd || QUOTE_MARK.test(line);
    const bare = quoteToTheEnd ? line : line.replace(long === null ? QUOTE_MARK : long[0], '');
    quoteToTheEnd ||= long !== null;
    const last = passages.at(-1);
    if (last?.quote === quote) last.lines.push(bare);
    else passages.push({ quote, lines: [bare] });
  }
  return passages.map(({ quote, lines }) => ({
    kind: quote ? 'quote' : 'lines',
    children: parseMrkdwnInline(lines.join('\n'), options),
  }));
}

function readInline(source: string, reading: Reading): readonly Inline[] {
  const writer = startInline();
  let at = 0;
  while (at < source.length) {
    const found = readAt(source, at, reading);
    if (found === undefined) {
      writer.addText(source.charAt(at));
      at += 1;
    } else {
      writer.addNode(found.node);
      at = found.end;
    }
  }
  return writer.finish();
}

function readAt(source: string, at: number, reading: Reading): Found | undefined {
  switch (source.charAt(at)) {
    case '<':
      return readControlToken(source, at);
    case '`':
      return readCode(source, at);
    case '*':
    case '_':
    case '~':
      return readStyled(source, at, reading);
    case ':':
      return readEmoji(source, at);
    case 'h':
      return reading.verbatim === true ? undefined : readBareUrl(source, at);
    default:
      return undefined;
  }
}

function readCode(source: string, at: number): Found | undefined {
  const end = source.indexOf('`', at + 1);
  const body = source.slice(at + 1, end);
  if (end <= at + 1 || body.includes('\n')) return undefined;
  return { node: { kind: 'code', children: parseLiteral(body) }, end: end + 1 };
}

/** Inside code only `<…>` still means something, as in Slack. */
function parseLiteral(body: string): readonly Inline[] {
  const writer = startInline();
  for (let at = 0; at < body.length;) {
    const found = body.charAt(at) === '<' ? readControlToken(body, at) : undefined;
    if (found === undefined) writer.addText(body.charAt(at));
    else writer.addNode(found.node);
    at = found?.end ?? at + 1;
  }
  return writer.finish();
}

function readStyled(source: string, at: number, reading: Reading): Found | undefined {
  const mark = source.charAt(at);
  const style = STYLES[mark];
  if (style === undefined || reading.open.includes(style)) return undefined;
  if (isWord(source, at - 1) || isSpace(source, at + 1)) return undefined;
  if (isDoubled(source, at)) return undefined;
  const end = findClosingMark(source, at, mark);
  if (end === undefined) return undefined;
  const children = readInline(source.slice(at + 1, end), {
    ...reading,
    open: [...reading.open, style],
  });
  return { node: { kind: 'styled', style, children }, end: end + 1 };
}

/** The mark that closes: on the same line, not after a space, not inside a word, code or `<…>`. */
function findClosingMark(source: string, from: number, mark: string): number | undefined {
  for (let at = from + 1; at < source.length; at += 1) {
    const char = source.charAt(at);
    if (char === '\n') return undefined;
    if (char === mark && at > from + 1 && closesAt(source, at)) return at;
    if (char === '<') at = (readControlToken(source, at)?.end ?? at + 1) - 1;
    if (char === '`') at = (readCode(source, at)?.end ?? at + 1) - 1;
  }
  return undefined;
}

function closesAt(source: string, at: number): boolean {
  return !isSpace(source, at - 1) && !isWord(source, at + 1) && !isDoubled(source, at);
}

/** `**bold**` is Markdown, which Slack shows with its marks. */
function isDoubled(source: string, at: number): boolean {
  const mark = source.charAt(at);
  return source.charAt(at - 1) === mark || source.charAt(at + 1) === mark;
}

function readEmoji(source: string, at: number): Found | undefined {
  EMOJI.lastIndex = at;
  const name = EMOJI.exec(source)?.[1];
  if (name === undefined || !isEmojiName(name)) return undefined;
  return { node: { kind: 'emoji', name }, end: at + name.length + 2 };
}

function readBareUrl(source: string, at: number): Found | undefined {
  if (isWord(source, at - 1)) return undefined;
  BARE_URL.lastIndex = at;
  const url = BARE_URL.exec(source)?.[0].replace(/[.,;:!?)*_~'"`]+$/, '');
  if (url === undefined) return undefined;
  const decoded = url.replaceAll('&amp;', '&');
  return {
    node: { kind: 'link', url: decoded, children: [{ kind: 'text', text: decoded }] },
    end: at + url.length,
  };
}

function isWord(source: string, at: number): boolean {
  return at >= 0 && WORD.test(source.charAt(at));
}

function isSpace(source: string, at: number): boolean {
  return at >= source.length || /\s/.test(source.charAt(at));
}
