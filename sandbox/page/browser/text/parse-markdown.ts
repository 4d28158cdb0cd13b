import { parseMarkdownInline } from './parse-markdown-inline.ts';
import type { Passage } from './inline.ts';

type List = Extract<Passage, { kind: 'list' }>;

/** What stands behind the opening marks names a language; behind the closing ones nothing stands. */
const FENCE = /^(?:```[^`]*|~~~.*)$/;
const FENCE_END = /^(?:```|~~~)\s*$/;
const HEADING = /^(#{1,6})\s+(.*?)\s*#*$/;
const RULE = /^(?:-{3,}|\*{3,}|_{3,})\s*$/;
const QUOTE = /^(?:>|&gt;) ?/;
const ITEM = /^\s*(?:[-*+]|(\d{1,9})[.)])\s+(.*)$/;

/** Cuts standard Markdown, as Slack's markdown block takes it, into passages. */
export function parseMarkdown(source: string): readonly Passage[] {
  const lines = source.split(/\r?\n/);
  const passages: Passage[] = [];
  let at = 0;
  while (at < lines.length) {
    const { passage, next } = readPassage(lines, at);
    if (passage !== undefined) passages.push(passage);
    at = next;
  }
  return passages;
}

function readPassage(
  lines: readonly string[],
  at: number,
): { readonly passage?: Passage; readonly next: number } {
  const line = lines[at] ?? '';
  if (line.trim() === '') return { next: at + 1 };
  if (FENCE.test(line)) return readFence(lines, at);
  const [, marks, title] = HEADING.exec(line) ?? [];
  if (marks !== undefined && title !== undefined) {
    const children = parseMarkdownInline(title);
    return { passage: { kind: 'heading', level: marks.length, children }, next: at + 1 };
  }
  if (RULE.test(line)) return { passage: { kind: 'rule' }, next: at + 1 };
  if (ITEM.test(line)) return readList(lines, at);
  const quote = QUOTE.test(line);
  const end = findEnd(lines, at, (text) => startsPassage(text) || QUOTE.test(text) !== quote);
  const text = lines
    .slice(at, end)
    .map((each) => (quote ? each.replace(QUOTE, '') : each))
    .join('\n');
  const children = parseMarkdownInline(text);
  return { passage: { kind: quote ? 'quote' : 'lines', children }, next: end };
}

function readFence(lines: readonly string[], at: number): { passage: Passage; next: number } {
  const end = findEnd(lines, at, (text) => FENCE_END.test(text));
  const text = lines.slice(at + 1, end).join('\n');
  return { passage: { kind: 'preformatted', children: [{ kind: 'text', text }] }, next: end + 1 };
}

function readList(lines: readonly string[], at: number): { passage: List; next: number } {
  const first = ITEM.exec(lines[at] ?? '')?.[1];
  const end = findEnd(
    lines,
    at,
    (text) => !ITEM.test(text) || (ITEM.exec(text)?.[1] === undefined) !== (first === undefined),
  );
  const items = lines.slice(at, end).map((line) => parseMarkdownInline(ITEM.exec(line)?.[2] ?? ''));
  const start = first === undefined ? 1 : Number(first);
  return {
    passage: { kind: 'list', ordered: first !== undefined, start, items },
    next: end,
  };
}

function startsPassage(line: string): boolean {
  return [FENCE, HEADING, RULE, ITEM, /^\s*$/].some((pattern) => pattern.test(line));
}

/** The first line after `at` for which `ends` holds, or the end of the text. */
function findEnd(lines: readonly string[], at: number, ends: (line: string) => boolean): number {
  for (let end = at + 1; end < lines.length; end += 1) {
    if (ends(lines[end] ?? '')) return end;
  }
  return lines.length;
}
