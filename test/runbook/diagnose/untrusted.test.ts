import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  cleanUntrusted,
  cutCodePoints,
} from '../../../src/runbook/snapshot/redaction/redact-text.ts';

const examples: readonly (readonly [string, string, string])[] = [
  ['line breaks and tabs become one space', 'a\r\n\t b\u2028c', 'a b c'],
  ['bidi overrides go', 'abc\u202Edef\u2066g\u2069', 'abcdefg'],
  ['zero-width characters go', 'a\u200Bb\u200Dc\uFEFFd\u00ADe', 'abcde'],
  ['escape sequences lose their escape', '\u001B[31mred', '[31mred'],
  ['fillers and private characters go', 'a\u3164b\uE000c\u115Fd', 'abcd'],
  ['lone surrogates go', 'a\uD800b', 'ab'],
  ['stacked marks are bounded', `a${'\u0301'.repeat(50)}b`, 'a\u0301\u0301b'],
  ['markup stays: it is shown where none is read', '<!channel> *x*', '<!channel> *x*'],
];

/** Lone halves of surrogate pairs included. */
function anyText(maxLength: number): fc.Arbitrary<string> {
  const point = fc.oneof(fc.integer({ min: 0, max: 0x7f }), fc.integer({ min: 0, max: 0x10_ffff }));
  return fc.array(point, { maxLength }).map((points) => String.fromCodePoint(...points));
}

test.for(examples)('%s', ([, text, expected]) => {
  expect(cleanUntrusted(text, 100)).toBe(expected);
});

test('a cut counts code points and ends in an ellipsis', () => {
  expect(cleanUntrusted('💥💥💥💥', 3)).toBe('💥💥…');
  expect(cleanUntrusted('💥💥💥', 3)).toBe('💥💥💥');
  expect(cutCodePoints('abc', 0)).toBe('…');
});

test('a name of a megabyte says that it was cut', () => {
  expect(cleanUntrusted('a'.repeat(1_000_000), 10)).toBe('aaaaaaaaa…');
  expect(cleanUntrusted(`a${'\u200B'.repeat(1_000_000)}`, 10)).toBe('a…');
});

test('whatever comes, the result is one well-formed line of at most so many code points', () => {
  fc.assert(
    fc.property(anyText(200), fc.integer({ min: 1, max: 40 }), (text, most) => {
      const clean = cleanUntrusted(text, most);
      expect(Array.from(clean).length).toBeLessThanOrEqual(most);
      expect(clean.isWellFormed()).toBe(true);
      expect(clean).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    }),
    { numRuns: 300 },
  );
});
