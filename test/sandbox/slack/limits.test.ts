import { expect, test } from 'vitest';
import type { Surface } from '../../../sandbox/slack/block-rules.ts';
import { checkBlocks } from '../../../sandbox/slack/check-payload.ts';
import {
  actions,
  chart,
  image,
  input,
  long,
  many,
  mrkdwn,
  option,
  options,
  plain,
  radio,
  select,
  text,
} from './support/raw-blocks.ts';
import type { Raw } from './support/raw-blocks.ts';

type Limit = readonly [most: number, name: string, of: (size: number) => Raw, surface?: Surface];

const inSelect = (more: Raw): Raw => select({ options: [{ ...option(), ...more }] });
const inChoice = (more: Raw): Raw => input(radio({ options: [{ ...option(), ...more }] }));
const context = (element: Raw): Raw => ({ type: 'context', elements: [element] });
const checkboxes = (more: Raw): Raw => input({ type: 'checkboxes', ...more });
const series = (count: number, label: (index: number) => string): Raw =>
  chart({
    series: [{ name: 'used', data: many(count, (index) => ({ label: label(index), value: 1 })) }],
    axis_config: { categories: many(count, label) },
  });

/** Where one number is the whole rule: that many are taken, and one more is refused. */
const limits: readonly Limit[] = [
  [3000, 'characters of a plain text', (size) => context(plain(long(size)))],
  [3000, 'characters of a mrkdwn text', (size) => context(mrkdwn(long(size)))],
  [
    3000,
    'characters of an alert',
    (size) => ({ type: 'alert', text: mrkdwn(long(size)) }),
    'modal',
  ],
  [75, 'characters of an option', (size) => inSelect({ text: plain(long(size)) })],
  [
    75,
    'characters of an option’s description',
    (size) => inSelect({ description: plain(long(size)) }),
  ],
  [75, 'characters of a choice', (size) => inChoice({ text: mrkdwn(long(size)) })],
  [
    75,
    'characters of a choice’s description',
    (size) => inChoice({ description: mrkdwn(long(size)) }),
  ],
  [
    75,
    'characters of a group’s label',
    (size) => select({ option_groups: [{ label: plain(long(size)), options: options(1) }] }),
  ],
  [
    100,
    'options of a group',
    (size) => select({ option_groups: [{ label: plain(), options: options(size) }] }),
  ],
  [
    100,
    'groups',
    (size) =>
      select({ option_groups: many(size, () => ({ label: plain(), options: options(1) })) }),
  ],
  [
    150,
    'characters of a select’s placeholder',
    (size) => select({ options: options(1), placeholder: plain(long(size)) }),
  ],
  [3000, 'characters already in an input', (size) => input(text({ initial_value: long(size) }))],
  [3000, 'characters a text must have', (size) => input(text({ min_length: size }))],
  [10, 'radio buttons', (size) => input(radio({ options: options(size) }))],
  [10, 'boxes in a message', (size) => actions({ type: 'checkboxes', options: options(size) })],
  [
    75,
    'characters of a box’s description in a message',
    (size) =>
      actions({ type: 'checkboxes', options: [{ ...option(), description: mrkdwn(long(size)) }] }),
  ],
  // One box ticked many times: the boxes themselves stay within their limit.
  [
    10,
    'ticked boxes',
    (size) => checkboxes({ options: options(1), initial_options: many(size, () => option('v0')) }),
  ],
  [2000, 'characters of a hint', (size) => input(text(), { hint: plain(long(size)) })],
  [
    2000,
    'characters of an image’s title',
    (size) => image({ image_url: 'https://a.b', title: plain(long(size)) }),
  ],
  [3000, 'characters of a file’s address', (size) => image({ slack_file: { url: long(size) } })],
  [20, 'points of a line', (size) => series(size, (index) => `p${index}`)],
  [20, 'characters of a point’s label', (size) => series(1, () => long(size))],
  [50, 'characters of the y axis', (size) => chart({}, { y_label: long(size) })],
  [
    255,
    'characters of an action_id',
    (size) => actions({ type: 'users_select', action_id: long(size) }),
  ],
];

test.for(limits)('%i %s are taken, one more is refused', ([most, , of, surface = 'message']) => {
  expect(checkBlocks(surface, [of(most)])).toEqual([]);
  expect(checkBlocks(surface, [of(most + 1)])).not.toEqual([]);
});
