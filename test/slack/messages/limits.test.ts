import { assert as assertProperty, integer, property, string } from 'fast-check';
import { expect, test } from 'vitest';
import {
  header,
  slackLimits,
  toMessage,
  truncate,
} from '../../../src/slack/messages/kit/message.ts';
import { table } from '../../../src/slack/messages/kit/table.ts';

test('a cut text is never longer than asked, is marked, and never ends in half a character', () => {
  assertProperty(
    property(string({ unit: 'binary' }), integer({ min: 1, max: 30 }), (text, max) => {
      const cut = truncate(text, max);
      expect(cut.length).toBeLessThanOrEqual(max);
      expect(cut === text || cut.endsWith('…')).toBe(true);
      expect(cut.isWellFormed()).toBe(text.isWellFormed() || cut.isWellFormed());
    }),
  );
});

test('a text of exactly the limit is left alone', () => {
  expect(truncate('abcde', 5)).toBe('abcde');
  expect(truncate('abcdef', 5)).toBe('abcd…');
});

test('a header is cut to what Slack takes', () => {
  const block = header('x'.repeat(500));
  expect(JSON.stringify(block)).toContain(`${'x'.repeat(149)}…`);
});

test('a table stops before the characters Slack allows, and counts what it left out', () => {
  const rows = Array.from({ length: 90 }, () => 'y'.repeat(200));
  const [block, more] = table({
    columns: [{ title: 'Statement', value: (row: string) => row, max: 200 }],
    rows,
    atMost: 90,
    noun: 'rows',
  });
  const cells = block?.type === 'table' ? block.rows.flat() : [];
  const characters = cells.reduce((sum, cell) => sum + ('text' in cell ? cell.text.length : 0), 0);
  expect(characters).toBeLessThanOrEqual(slackLimits.tableCharacters);
  expect(characters).toBeGreaterThan(slackLimits.tableCharacters - 200);
  expect(JSON.stringify(more)).toContain(`and ${90 - (cells.length - 1)} more rows`);
});

test('a table without rows is no table', () => {
  expect(table({ columns: [], rows: [], atMost: 5, noun: 'rows' })).toEqual([]);
});

test('a message never has more blocks than Slack takes', () => {
  const blocks = Array.from({ length: 80 }, () => ({ type: 'divider' }) as const);
  expect(toMessage('Much', blocks).blocks).toHaveLength(slackLimits.blocksPerMessage);
});
