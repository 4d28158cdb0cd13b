import { assert, double, pre, property, string } from 'fast-check';
import { expect, test } from 'vitest';
import { parsePrometheus, parseSeries } from '../../src/pool-metrics/parse-prometheus.ts';

function read(text: string): unknown[] {
  return parsePrometheus(text).map(({ name, labels, value }) => [
    name,
    Object.fromEntries(labels),
    value,
  ]);
}

test('reads names, labels and values, and leaves comments out', () => {
  const text = '# HELP a_b A gauge.\n# TYPE a_b gauge\na_b 1\na_b{pool="x",pid="7"} 2.5\n';
  expect(read(text)).toEqual([
    ['a_b', {}, 1],
    ['a_b', { pool: 'x', pid: '7' }, 2.5],
  ]);
});

test('reads the last line without a newline, and lines that end as on Windows', () => {
  expect(read('a 1\r\nb 2')).toEqual([
    ['a', {}, 1],
    ['b', {}, 2],
  ]);
});

test.each([
  ['a{x="1",} 3', { x: '1' }, 3],
  ['a{ x = "1" , y = "2" } 3', { x: '1', y: '2' }, 3],
  ['a {x="1"} 3', { x: '1' }, 3],
  ['a{} 3', {}, 3],
  [
    String.raw`a{x="back\\slash \"quoted\" new\nline } # 5"} 3`,
    { x: 'back\\slash "quoted" new\nline } # 5' },
    3,
  ],
  ['a{x="1"} 3 1700000000000', { x: '1' }, 3],
  ['a{x="1"} 3 1.7e9 # {trace="t"} 0.5 1.7e9', { x: '1' }, 3],
  ['a 3 # {trace="t"} 9', {}, 3],
  ['a\t3', {}, 3],
  ['a -1.5e+3', {}, -1500],
  ['a +Inf', {}, Infinity],
  ['a -Inf', {}, -Infinity],
  ['a NaN', {}, Number.NaN],
])('reads %s', (line, labels, value) => {
  expect(read(line)).toEqual([['a', labels, value]]);
});

test('reads names quoted inside the braces, as Prometheus 3 writes those with dots', () => {
  expect(read('{"db.client.connection.count","pool.name"="p",state="used"} 4')).toEqual([
    ['db.client.connection.count', { 'pool.name': 'p', state: 'used' }, 4],
  ]);
});

test.each([
  '<html>502 Bad Gateway</html>',
  '{"error": "no"}',
  'a',
  'a{x="1"',
  'a{x="1" 3',
  'a{x=1} 3',
  'a{"b","c"} 3',
  'a three',
  'a 0x1F',
  'a 1 2 3',
  'a 12abc',
  '  ',
])('takes no sample from %s', (line) => {
  expect(read(line)).toEqual([]);
});

test('one broken line costs no other line', () => {
  expect(read('a 1\nb{broken\nc 3')).toEqual([
    ['a', {}, 1],
    ['c', {}, 3],
  ]);
});

test('a label may be called like a property every object has', () => {
  const [sample] = parsePrometheus('a{__proto__="x",constructor="y"} 1');
  expect([...(sample?.labels ?? [])]).toEqual([
    ['__proto__', 'x'],
    ['constructor', 'y'],
  ]);
});

test('any label text survives the round through the format', () => {
  assert(
    property(string({ unit: 'binary' }), double({ noNaN: true }), (label, value) => {
      pre(!label.includes('\r'));
      const escaped = label.replaceAll(/[\\"\n]/g, (c) => (c === '\n' ? String.raw`\n` : `\\${c}`));
      const written = String(value) // writes -0 as 0
        .replace('Infinity', 'Inf');
      expect(read(`a{x="${escaped}"} ${written}`)).toEqual([['a', { x: label }, value + 0]]);
    }),
  );
});

test('no text whatever makes it throw', () => {
  assert(
    property(string({ unit: 'binary' }), (text) => {
      expect(() => parsePrometheus(text)).not.toThrow();
    }),
  );
});

test('a megabyte of a line that never closes is given up on at once', () => {
  expect(read(`a{${'x="\\",'.repeat(170_000)}`)).toEqual([]);
  expect(read(`a{${'x="1",'.repeat(170_000)}`)).toEqual([]);
  expect(read(`a ${' '.repeat(1_000_000)}x y`)).toEqual([]);
});

test('a configured series is a name with labels and nothing after them', () => {
  expect(parseSeries('db_connections{state="used"}')?.name).toBe('db_connections');
  expect(parseSeries('a 1')).toBeUndefined();
  expect(parseSeries('')).toBeUndefined();
  expect(parseSeries('a{')).toBeUndefined();
});
