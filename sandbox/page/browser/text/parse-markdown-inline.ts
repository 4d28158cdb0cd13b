import { readControlToken } from './control-token.ts';
import { isEmojiName } from './emoji.ts';
import { startInline } from './inline-writer.ts';
import type { Inline, InlineStyle } from './inline.ts';

interface Found {
  readonly nodes: readonly Inline[];
  readonly end: number;
}

type Reader = (source: string, at: number, open: readonly InlineStyle[]) => Found | undefined;

const ESCAPE = /\\([\\`*_{}[\]()#+\-.!~>|<])/y;
const CODE = /(`+)(?!`)([\s\S]*?[^`])\1(?!`)/y;
const LINK = /!?\[([^\]\n]*)\]\((https?:\/\/[^\s)]+|mailto:[^\s)]+)\)/y;
const EMOJI = /:([a-z0-9_+-]+):/y;
const BARE_URL = /https?:\/\/[^\s<>|)\]]+/y;

/** Longest mark first: `**` must not be read as an empty `*` pair. */
const STYLES: readonly (readonly [mark: string, style: InlineStyle, pattern: RegExp])[] = [
  ['**', 'bold', /\*\*(?=\S)([\s\S]*?\S)\*\*(?!\*)/y],
  ['__', 'bold', /__(?=\S)([\s\S]*?\S)__(?![\p{L}\p{N}_])/uy],
  ['~~', 'strike', /~~(?=\S)([\s\S]*?\S)~~/y],
  ['*', 'italic', /\*(?=[^\s*])([\s\S]*?[^\s*])\*(?!\*)/y],
  ['_', 'italic', /_(?=[^\s_])([\s\S]*?[^\s_])_(?![\p{L}\p{N}_])/uy],
];

/** Standard Markdown within a line, with Slack's own `<…>` which still means something in it. */
export function parseMarkdownInline(
  source: string,
  open: readonly InlineStyle[] = [],
): readonly Inline[] {
  const writer = startInline();
  let at = 0;
  while (at < source.length) {
    const escaped = match(ESCAPE, source, at)?.[1];
    const found = escaped === undefined ? readNode(source, at, open) : undefined;
    if (found === undefined) writer.addText(escaped ?? source.charAt(at));
    else for (const node of found.nodes) writer.addNode(node);
    at = found?.end ?? at + (escaped === undefined ? 1 : 2);
  }
  return writer.finish();
}

const READERS: readonly Reader[] = [readToken, readCode, readLink, readStyled, readEmoji, readUrl];

function readNode(source: string, at: number, open: readonly InlineStyle[]): Found | undefined {
  // Nothing but these characters begins anything: a fast no for ordinary letters.
  if (!/[<`![*_~:h]/.test(source.charAt(at))) return undefined;
  for (const read of READERS) {
    const found = read(source, at, open);
    if (found !== undefined) return found;
  }
  return undefined;
}

function readToken(source: string, at: number): Found | undefined {
  const token = readControlToken(source, at);
  return token === undefined ? undefined : { nodes: [token.node], end: token.end };
}

function readCode(source: string, at: number): Found | undefined {
  const found = match(CODE, source, at);
  if (found === null) return undefined;
  const text = (found[2] ?? '').replace(/^ (.*) $/, '$1');
  return {
    nodes: [{ kind: 'code', children: [{ kind: 'text', text }] }],
    end: at + found[0].length,
  };
}

function readLink(source: string, at: number, open: readonly InlineStyle[]): Found | undefined {
  const found = match(LINK, source, at);
  const [whole, label, url] = found ?? [];
  if (whole === undefined || label === undefined || url === undefined) return undefined;
  const children = parseMarkdownInline(label, open);
  return {
    nodes: [{ kind: 'link', url: url.replaceAll('&amp;', '&'), children }],
    end: at + whole.length,
  };
}

function readStyled(source: string, at: number, open: readonly InlineStyle[]): Found | undefined {
  for (const [mark, style, pattern] of STYLES) {
    if (!source.startsWith(mark, at) || open.includes(style)) continue;
    if (mark.startsWith('_') && /[\p{L}\p{N}_]/u.test(source.charAt(at - 1))) continue;
    const found = match(pattern, source, at);
    if (found?.[1] === undefined) continue;
    const children = parseMarkdownInline(found[1], [...open, style]);
    return { nodes: [{ kind: 'styled', style, children }], end: at + found[0].length };
  }
  return undefined;
}

function readEmoji(source: string, at: number): Found | undefined {
  const name = match(EMOJI, source, at)?.[1];
  if (name === undefined || !isEmojiName(name)) return undefined;
  return { nodes: [{ kind: 'emoji', name }], end: at + name.length + 2 };
}

function readUrl(source: string, at: number): Found | undefined {
  if (/[\p{L}\p{N}]/u.test(source.charAt(at - 1))) return undefined;
  const raw = match(BARE_URL, source, at)?.[0].replace(/[.,;:!?*_~'"`]+$/, '');
  if (raw === undefined) return undefined;
  const url = raw.replaceAll('&amp;', '&');
  return {
    nodes: [{ kind: 'link', url, children: [{ kind: 'text', text: url }] }],
    end: at + raw.length,
  };
}

function match(pattern: RegExp, source: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(source);
}
