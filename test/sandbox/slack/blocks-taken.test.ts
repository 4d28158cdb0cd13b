import { expect, test } from 'vitest';
import type { Surface } from '../../../sandbox/slack/block-rules.ts';
import { checkBlocks } from '../../../sandbox/slack/check-payload.ts';
import {
  plain,
  preformatted,
  mrkdwn,
  long,
  many,
  option,
  options,
  confirm,
  button,
  section,
  actions,
  select,
  input,
  image,
  rich,
  leaf,
  line,
  bullets,
  cell,
  table,
  container,
  chart,
  radio,
  text,
  number,
} from './support/raw-blocks.ts';

type Case = readonly [name: string, blocks: readonly unknown[], surface?: Surface];

/** Each limit at its last permitted value, so that a rule that is too strict shows. */
const taken: readonly Case[] = [
  ['a section of 3,000 characters', [section({ text: mrkdwn(long(3000)) })]],
  ['a section with ten fields of 2,000', [section({ fields: many(10, () => plain(long(2000))) })]],
  ['a header of 150', [{ type: 'header', text: plain(long(150)), level: 4 }]],
  ['a header of level 1', [{ type: 'header', text: plain(), level: 1 }]],
  ['a divider', [{ type: 'divider', block_id: long(255) }]],
  [
    'a context of ten',
    [
      {
        type: 'context',
        elements: [...many(9, () => mrkdwn()), image({ image_url: 'https://example.com/a.png' })],
      },
    ],
  ],
  [
    '25 buttons at their limits, with confirm',
    [
      actions(
        ...many(25, (index) =>
          button({
            action_id: `a${index}`,
            text: plain(long(75)),
            value: long(2000),
            accessibility_label: long(75),
            style: 'danger',
            confirm,
          }),
        ),
      ),
    ],
  ],
  [
    'an overflow of five with a link',
    [
      section({
        text: plain(),
        accessory: {
          type: 'overflow',
          options: [...options(4), { ...option(), url: 'https://a.b' }],
        },
      }),
    ],
  ],
  [
    'ten checkboxes with descriptions, some ticked, on every surface',
    [
      actions({
        type: 'checkboxes',
        options: many(10, (index) => ({ ...option(`v${index}`), description: mrkdwn(long(75)) })),
        initial_options: [{ ...option('v9'), description: mrkdwn(long(75)) }],
      }),
      section({ text: plain(), accessory: { type: 'radio_buttons', options: options(10) } }),
    ],
  ],
  [
    'a select of 100 options with an initial one',
    [select({ options: options(100), initial_option: option('v3'), confirm })],
  ],
  ['a select of groups', [select({ option_groups: [{ label: plain(), options: options(3) }] })]],
  ['a users select', [actions({ type: 'users_select', placeholder: plain() })]],
  ['an image by url', [image({ image_url: 'https://a.b/c.png', title: plain() })]],
  ['an image by file', [image({ slack_file: { id: 'F1' } })]],
  [
    'every kind of rich text',
    [
      rich(
        line(
          leaf(),
          { type: 'text', text: 'b', style: { bold: true, code: true } },
          { type: 'link', url: 'https://a.b', text: 'a' },
          { type: 'user', user_id: 'U1' },
          { type: 'usergroup', usergroup_id: 'S1' },
          { type: 'channel', channel_id: 'C1' },
          { type: 'emoji', name: 'fire' },
          { type: 'broadcast', range: 'here' },
          { type: 'date', timestamp: 1, format: '{time}', fallback: 'then' },
        ),
        { ...preformatted(leaf('select 1')), language: 'sql', border: 1 },
        { type: 'rich_text_quote', elements: [leaf()], border: 0 },
        bullets({ style: 'ordered', indent: 8, offset: 2 }),
        bullets({ indent: 0, offset: 0 }),
      ),
    ],
  ],
  [
    'a table of 100 rows and 20 columns with 10,000 characters',
    [
      table(
        many(100, () => many(20, () => cell(long(5)))),
        { column_settings: [{ align: 'right', is_wrapped: true }, null] },
      ),
    ],
  ],
  [
    'a table of numbers and rich text',
    [
      table([
        [
          { type: 'raw_number', value: 97, text: '9' },
          { type: 'raw_number', value: 1 },
          rich(line(leaf())),
        ],
      ]),
    ],
  ],
  [
    'a container of ten, folded',
    [
      container([table([[cell()]]), ...many(9, () => rich(line(leaf())))], {
        title: plain(long(150)),
        subtitle: mrkdwn(long(150)),
        width: 'full',
        is_collapsible: true,
        default_collapsed: true,
      }),
    ],
  ],
  ['markdown of 12,000', [{ type: 'markdown', text: long(12_000) }]],
  ['two line charts', [chart(), chart({}, { x_label: 'time', y_label: 'n' })]],
  ['an alert in a modal', [{ type: 'alert', text: mrkdwn(), level: 'warning' }], 'modal'],
  [
    'every input in a modal',
    [
      input(text({ multiline: true, min_length: 1, max_length: 3000, focus_on_load: true }), {
        hint: plain(long(2000)),
        optional: true,
        dispatch_action: false,
      }),
      input(number({ min_value: '1', max_value: '9.5', initial_value: '-3' })),
      input({ type: 'static_select', options: options(1) }),
      input({ type: 'users_select' }),
      input({ type: 'checkboxes', options: options(10), initial_options: [option('v1')] }),
      input(text({ min_length: 0, max_length: 1, initial_value: '' })),
      input(text({ min_length: 3000 })),
      input(radio({ options: options(2), initial_option: option('v0') })),
    ],
    'modal',
  ],
  ['50 blocks', many(50, () => section())],
  ['the same action_id in two blocks', many(2, () => actions(button({ action_id: 'a' })))],
];

test.for(taken)('takes %s', ([, blocks, surface = 'message']) => {
  expect(checkBlocks(surface, blocks)).toEqual([]);
});
