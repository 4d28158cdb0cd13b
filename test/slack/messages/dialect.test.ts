import { expect, test } from 'vitest';
import { checkBlocks } from '../../../sandbox/slack/check-payload.ts';
import { fallbacksOf } from '../../../src/slack/messages/kit/fallbacks.ts';
import { sentence } from '../../../src/slack/messages/diagnosis-parts.ts';
import { folded } from '../../../src/slack/messages/kit/message.ts';
import type { Message } from '../../../src/slack/messages/kit/message.ts';
import { notice } from '../../../src/slack/messages/notice.ts';
import { statusMessage } from '../../../src/slack/messages/status.ts';
import { aDiagnosis, aTarget } from '../support/diagnoses.ts';
import { toText } from '../support/to-text.ts';

const status = statusMessage({ diagnosis: aDiagnosis(), target: aTarget() });
const said = new Map(fallbacksOf(status, 'full').map(({ dialect, message }) => [dialect, message]));
const typesOf = (message: Message | undefined): Set<string> =>
  new Set(message?.blocks.map(({ type }) => type));

test('a message with a chart and a table can be said in four ways, each plainer', () => {
  expect([...said.keys()]).toEqual(['full', 'without-charts', 'without-tables', 'text-only']);
  expect(typesOf(said.get('without-charts'))).not.toContain('data_visualization');
  expect(typesOf(said.get('without-charts'))).toContain('table');
  expect(typesOf(said.get('without-tables'))).not.toContain('table');
  expect(said.get('text-only')).toEqual({ text: status.text, blocks: [] });
});

test('a table said without tables keeps its columns, figures to the right', () => {
  const shown = toText({ blocks: said.get('without-tables')?.blocks ?? [] });
  expect(shown).toContain(
    [
      'Who      Clients  Total  Active  Idle  Idle in tx',
      'backend        1     80       3    12          65',
      'worker         1     13       3    12           0',
    ].join('\n'),
  );
});

test('a chart said without charts keeps its shape and its ends', () => {
  const shown = toText({ blocks: said.get('without-charts')?.blocks ?? [] });
  expect(shown).toContain('used    ▅▆▇█  60 to 94');
});

test('every way of saying it is one Slack takes', () => {
  for (const dialect of ['full', 'without-charts', 'without-tables'] as const) {
    expect(checkBlocks('message', said.get(dialect)?.blocks)).toEqual([]);
  }
});

test('a fold said without folds shows what it held in its place, and what is in it is said plainer too', () => {
  const [table] = status.blocks.filter(({ type }) => type === 'table');
  const message = {
    text: 'Full.',
    blocks: [
      sentence('Before.'),
      ...folded({ id: 'x', title: 'Why' }, table ? [table] : []),
      sentence('After.'),
    ],
  };
  const ways = fallbacksOf(message, 'full').map(({ dialect, message: said }) => [
    dialect,
    said.blocks.map(({ type }) => type),
  ]);
  expect(ways).toEqual([
    ['full', ['rich_text', 'container', 'rich_text']],
    ['without-folds', ['rich_text', 'table', 'rich_text']],
    ['without-tables', ['rich_text', 'rich_text', 'rich_text']],
    ['text-only', []],
  ]);
});

test('ways that change nothing are left out', () => {
  const ways = fallbacksOf(notice('A sentence.'), 'full').map(({ dialect }) => dialect);
  expect(ways).toEqual(['full', 'text-only']);
});

test('a workspace known to refuse tables gets none to begin with', () => {
  const [first] = fallbacksOf(status, 'without-tables');
  expect(typesOf(first?.message)).toEqual(new Set(['header', 'rich_text', 'context']));
});
