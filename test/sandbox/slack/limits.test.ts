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

interface Limit {
  readonly name: string;
  readonly most: number;
  readonly surface?: Surface;
  readonly of: (size: number) => Raw;
}

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
  { name: 'characters of a plain text', most: 3000, of: (size) => context(plain(long(size))) },
  { name: 'characters of a mrkdwn text', most: 3000, of: (size) => context(mrkdwn(long(size))) },
  {
    name: 'characters of an alert',
    most: 3000,
    surface: 'modal',
    of: (size) => ({ type: 'alert', text: mrkdwn(long(size)) }),
  },
  {
    name: 'characters of an option',
    most: 75,
    of: (size) => inSelect({ text: plain(long(size)) }),
  },
  {
    name: 'characters of an option’s description',
    most: 75,
    of: (size) => inSelect({ description: plain(long(size)) }),
  },
  {
    name: 'characters of a choice',
    most: 75,
    of: (size) => inChoice({ text: mrkdwn(long(size)) }),
  },
  {
    name: 'characters of a choice’s description',
    most: 75,
    of: (size) => inChoice({ description: mrkdwn(long(size)) }),
  },
  {
    name: 'characters of a group’s label',
    most: 75,
    of: (size) => select({ option_groups: [{ label: plain(long(size)), options: options(1) }] }),
  },
  {
    name: 'options of a group',
    most: 100,
    of: (size) => select({ option_groups: [{ label: plain(), options: options(size) }] }),
  },
  {
    name: 'groups',
    most: 100,
    of: (size) =>
      select({ option_groups: many(size, () => ({ label: plain(), options: options(1) })) }),
  },
  {
    name: 'characters of a select’s placeholder',
    most: 150,
    of: (size) => select({ options: options(1), placeholder: plain(long(size)) }),
  },
  {
    name: 'characters already in an input',
    most: 3000,
    of: (size) => input(text({ initial_value: long(size) })),
  },
  {
    name: 'characters a text must have',
    most: 3000,
    of: (size) => input(text({ min_length: size })),
  },
  { name: 'radio buttons', most: 10, of: (size) => input(radio({ options: options(size) })) },
  {
    name: 'boxes in a message',
    most: 10,
    of: (size) => actions({ type: 'checkboxes', options: options(size) }),
  },
  {
    name: 'characters of a box’s description in a message',
    most: 75,
    of: (size) =>
      actions({ type: 'checkboxes', options: [{ ...option(), description: mrkdwn(long(size)) }] }),
  },
  {
    name: 'ticked boxes',
    most: 10,
    // One box ticked many times: the boxes themselves stay within their limit.
    of: (size) =>
      checkboxes({ options: options(1), initial_options: many(size, () => option('v0')) }),
  },
  {
    name: 'characters of a hint',
    most: 2000,
    of: (size) => input(text(), { hint: plain(long(size)) }),
  },
  {
    name: 'characters of an image’s title',
    most: 2000,
    of: (size) => image({ image_url: 'https://a.b', title: plain(long(size)) }),
  },
  {
    name: 'characters of a file’s address',
    most: 3000,
    of: (size) => image({ slack_file: { url: long(size) } }),
  },
  { name: 'points of a line', most: 20, of: (size) => series(size, (index) => `p${index}`) },
  { name: 'characters of a point’s label', most: 20, of: (size) => series(1, () => long(size)) },
  {
    name: 'characters of the y axis',
    most: 50,
    of: (size) => chart({}, { y_label: long(size) }),
  },
  {
    name: 'characters of an action_id',
    most: 255,
    of: (size) => actions({ type: 'users_select', action_id: long(size) }),
  },
];

test.for(limits)(
  '$most $name are taken, one more is refused',
  ({ most, of, surface = 'message' }) => {
    expect(checkBlocks(surface, [of(most)])).toEqual([]);
    expect(checkBlocks(surface, [of(most + 1)])).not.toEqual([]);
  },
);
