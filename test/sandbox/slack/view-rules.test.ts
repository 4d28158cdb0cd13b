import { expect, test } from 'vitest';
import { checkView } from '../../../sandbox/slack/check-payload.ts';
import { plain, long, many, section, input, text } from './support/raw-blocks.ts';
import type { Raw } from './support/raw-blocks.ts';

const modal = (more: Raw = {}): Raw => ({
  type: 'modal',
  title: plain('Title'),
  blocks: [section()],
  ...more,
});

test('a view is taken at its limits', () => {
  const full = modal({
    title: plain(long(24)),
    submit: plain(long(24)),
    close: plain(long(24)),
    private_metadata: long(3000),
    callback_id: long(255),
    external_id: long(255),
    clear_on_close: true,
    notify_on_close: true,
    blocks: many(100, () => section()),
  });
  expect(checkView(full)).toEqual([]);
  expect(checkView({ type: 'home', blocks: [section()] })).toEqual([]);
});

test.for([
  ['a title of 25', modal({ title: plain(long(25)) }), '[json-pointer:/view/title/text]'],
  ['no title', modal({ title: undefined }), 'missing required field: title'],
  ['a submit of 25', modal({ submit: plain(long(25)) }), '[json-pointer:/view/submit/text]'],
  ['a close of 25', modal({ close: plain(long(25)) }), '[json-pointer:/view/close/text]'],
  ['metadata of 3,001', modal({ private_metadata: long(3001) }), 'less than 3001 characters'],
  ['a callback_id of 256', modal({ callback_id: long(256) }), 'less than 256 characters'],
  ['an external_id of 256', modal({ external_id: long(256) }), 'less than 256 characters'],
  ['101 blocks', modal({ blocks: many(101, () => section()) }), '[json-pointer:/view/blocks]'],
  ['an input but no submit', modal({ blocks: [input(text())] }), '[json-pointer:/view/submit]'],
  ['a bad block', modal({ blocks: [{ type: 'video' }] }), '[json-pointer:/view/blocks/0/type]'],
  ['an unknown property', modal({ colour: 'red' }), 'invalid additional property: colour'],
  ['another type', modal({ type: 'workflow_step' }), '[json-pointer:/view/type]'],
  ['a title at home', { type: 'home', title: plain(), blocks: [] }, 'additional property: title'],
] as const)('a view with %s is refused', ([, view, says]) => {
  expect(checkView(view).join('\n')).toContain(says);
});
