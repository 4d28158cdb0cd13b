import { array, constantFrom, double, integer, oneof, string, tuple } from 'fast-check';
import type { Arbitrary } from 'fast-check';

/** What breaks readers of any format. */
const hostile = constantFrom(
  '\u0000',
  '\u202E',
  '\uFEFF',
  '\uD800',
  '\u{1F468}\u200D\u{1F469}',
  '__proto__',
  '${X}',
  '%',
  '%ff',
  '\\',
  '"',
  "'",
  '`',
  '\r\n',
  '\n\t',
  '<!channel>',
  '-1',
  '9'.repeat(400),
  '1e999',
  'NaN',
);

/** Half a surrogate pair, too. fast-check's own unit for this takes two seconds to begin. */
const codeUnit = integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit));

/** A text of a format's own words, in any order and number, between what breaks readers. */
export function mangledText(words: readonly string[]): Arbitrary<string> {
  const piece = oneof(
    { weight: 6, arbitrary: constantFrom(...words) },
    { weight: 2, arbitrary: hostile },
    { weight: 1, arbitrary: string({ unit: codeUnit, maxLength: 20 }) },
  );
  return array(piece, { maxLength: 30 }).map((pieces) => pieces.join(''));
}

const odd: Arbitrary<unknown> = oneof(
  hostile,
  constantFrom<unknown>(null, true, {}, [], [[]], '', 0, { type: 'x' }, 'x'.repeat(5000)),
  constantFrom('x'.repeat(300_000)),
  double(),
  integer(),
);

/** A JSON value with up to four of its parts dropped, doubled, renamed, added to or replaced by something odd. */
export function mangledJson(value: unknown): Arbitrary<unknown> {
  const paths = pathsIn(value);
  const change = tuple(
    constantFrom(...paths),
    constantFrom('drop', 'double', 'rename', 'add', 'replace', 'replace'),
    odd,
  );
  return array(change, { minLength: 1, maxLength: 4 }).map((changes) => {
    const copy: unknown = structuredClone(value);
    for (const [path, how, by] of changes) alter(copy, path, { how, by });
    return copy;
  });
}

type Path = readonly string[];

function pathsIn(value: unknown, at: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [
    [...at, key],
    ...pathsIn(inner, [...at, key]),
  ]);
}

function alter(value: unknown, path: Path, { how, by }: { how: string; by: unknown }): void {
  const [key = '', ...rest] = path;
  // An earlier change may have taken away what this one is about.
  if (!isRecord(value) || !Object.hasOwn(value, key)) return;
  if (rest.length > 0) {
    alter(value[key], rest, { how, by });
    return;
  }
  const before = value[key];
  if (how === 'drop' || how === 'rename') Reflect.deleteProperty(value, key);
  if (how === 'rename') value[`${key}_more`] = before;
  if (how === 'add') value[`${key}_more`] = by;
  if (how === 'replace') value[key] = by;
  if (how === 'double') value[key] = [before, before];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
