import { rules, unsteady } from './rules.ts';
import type { Rule } from './rules.ts';

/** A recording as it can be compared with another: see rules.ts for what is replaced. */
export function normalise(
  raw: unknown,
  isLive: boolean,
  applied: readonly Rule[] = rules,
): unknown {
  const replace = replacer(applied.filter(({ live = isLive }) => live === isLive));
  const visit = (value: unknown): unknown => {
    if (typeof value === 'string') return replace(value);
    if (typeof value === 'number') {
      const text = replace(String(value));
      return text === String(value) ? value : text;
    }
    if (Array.isArray(value)) return isLive ? settleList(value.map(visit)) : value.map(visit);
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).map(([key, one]) => [replace(key), visit(one)] as const);
    return isLive ? settle(Object.fromEntries(entries)) : Object.fromEntries(entries);
  };
  return visit(raw);
}

function replacer(applied: readonly Rule[]): (text: string) => string {
  const numbers = new Map<string, string>();
  const counts = new Map<string, number>();
  const nameIt = ({ name, numbered }: Rule, found: string): string => {
    if (numbered === undefined) return `<${name}>`;
    const count = (counts.get(name) ?? 0) + 1;
    const known = numbers.get(found);
    if (known !== undefined) return known;
    counts.set(name, count);
    numbers.set(found, `<${name} ${count}>`);
    return `<${name} ${count}>`;
  };
  return (text) =>
    applied.reduce(
      (before, rule) => before.replaceAll(rule.pattern, (found) => nameIt(rule, found)),
      text,
    );
}

/** How many rows look alike and which comes first depends on the moment; what kinds of them there are does not. */
function settle(object: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { type, rows, elements, thread } = object;
  // Whoever calls, looks and answers does so side by side.
  if (Array.isArray(thread)) return { ...object, thread: kindsOf(thread) };
  if (type === 'table' && Array.isArray(rows)) {
    const all: readonly unknown[] = rows;
    return { ...object, rows: [...all.slice(0, 1), ...kindsOf(all.slice(1))] };
  }
  if (type === 'rich_text_list' && Array.isArray(elements)) {
    return { ...object, elements: kindsOf(elements) };
  }
  return object;
}

const timeline = '| <time> |';

/** As many looks as the moment allowed are points of a graph; the lines of a timeline come as people are quick. */
function settleList(list: readonly unknown[]): unknown[] {
  const texts = list.map((one) => JSON.stringify(one));
  const different = list.filter((_, index) => texts[index] !== texts[index - 1]);
  const isLine = (one: unknown): boolean => typeof one === 'string' && one.startsWith(timeline);
  const from = different.findIndex(isLine);
  if (from === -1) return different;
  const lines = different.filter(isLine);
  const others = different.filter((one) => !isLine(one));
  return [...others.slice(0, from), ...kindsOf(lines), ...others.slice(from)];
}

function kindsOf(peers: readonly unknown[]): unknown[] {
  const kinds = new Map(peers.map((one) => [JSON.stringify(one), one]));
  return [...kinds]
    .filter(([text]) => !unsteady.test(text))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, one]) => one);
}
