import { expect, test } from 'vitest';
import type { Surface } from '../../../sandbox/slack/block-rules.ts';
import { checkBlocks } from '../../../sandbox/slack/check-payload.ts';
import {
  plain,
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
  preformatted,
  line,
  bullets,
  cell,
  table,
  chart,
  container,
  radio,
  text,
  number,
} from './support/raw-blocks.ts';

type Refusal = readonly [name: string, blocks: readonly unknown[], says: string, surface?: Surface];

const refused: readonly Refusal[] = [
  ['51 blocks', many(51, () => section()), 'no more than 50 items allowed [json-pointer:/blocks]'],
  ['101 blocks at home', many(101, () => section()), 'no more than 100 items', 'home'],
  ['something that is no object', ['x'], '[json-pointer:/blocks/0]'],
  [
    'a block without a type',
    [{ text: mrkdwn() }],
    'missing required field: type [json-pointer:/blocks/0/type]',
  ],
  ...['video', 'file', 'card', 'carousel', 'data_table', 'context_actions', 'plan'].map(
    (type): Refusal => [`the block ${type}`, [{ type }], `unsupported type: ${type}`],
  ),
  [
    'an alert in a message',
    [{ type: 'alert', text: plain() }],
    'unsupported type: alert [json-pointer:/blocks/0/type]',
  ],
  ...(['modal', 'home'] as const).flatMap((surface) =>
    [table([[cell()]]), chart(), { type: 'markdown', text: 'x' }].map((block): Refusal => [
      `a ${String(block['type'])} on a ${surface}`,
      [block],
      'unsupported type',
      surface,
    ]),
  ),
  ['an alert at home', [{ type: 'alert', text: plain() }], 'unsupported type', 'home'],
  [
    'an empty text',
    [section(), section({ text: mrkdwn('') })],
    'must be more than 0 characters [json-pointer:/blocks/1/text/text]',
  ],
  [
    'a section of 3,001',
    [section({ text: mrkdwn(long(3001)) })],
    'must be less than 3001 characters [json-pointer:/blocks/0/text/text]',
  ],
  ['a section without text', [section({})], 'must provide text or fields'],
  [
    'eleven fields',
    [section({ fields: many(11, () => plain()) })],
    'no more than 10 items allowed [json-pointer:/blocks/0/fields]',
  ],
  ['no fields', [section({ fields: [] })], 'no less than 1 items'],
  [
    'a field of 2,001',
    [section({ fields: [plain(long(2001))] })],
    'must be less than 2001 characters',
  ],
  [
    'a property Slack does not know',
    [section({ text: mrkdwn(), colour: 'red' })],
    'invalid additional property: colour [json-pointer:/blocks/0]',
  ],
  [
    'a property a text does not have',
    [section({ text: { ...mrkdwn(), emoji: true } })],
    'invalid additional property: emoji',
  ],
  [
    'a text field as an accessory',
    [section({ text: mrkdwn(), accessory: { type: 'plain_text_input' } })],
    '/blocks/0/accessory/type]',
  ],
  [
    'a header of 151',
    [{ type: 'header', text: plain(long(151)) }],
    'must be less than 151 characters',
  ],
  ['a header in mrkdwn', [{ type: 'header', text: mrkdwn() }], 'enum value'],
  ['a header of level 5', [{ type: 'header', text: plain(), level: 5 }], 'must be at most 4'],
  [
    'a context of eleven',
    [{ type: 'context', elements: many(11, () => mrkdwn()) }],
    'no more than 10 items',
  ],
  [
    'a button in a context',
    [{ type: 'context', elements: [button()] }],
    '/blocks/0/elements/0/type]',
  ],
  ['no buttons', [actions()], 'no less than 1 items'],
  ['26 buttons', [actions(...many(26, () => button()))], 'no more than 25 items'],
  ['an input element among buttons', [actions(text())], '/blocks/0/elements/0/type]'],
  [
    'a button text of 76',
    [actions(button({ text: plain(long(76)) }))],
    'must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]',
  ],
  [
    'a button text in mrkdwn',
    [actions(button({ text: mrkdwn() }))],
    'must be a valid enum value [json-pointer:/blocks/0/elements/0/text/type]',
  ],
  [
    'a button value of 2,001',
    [actions(button({ value: long(2001) }))],
    'must be less than 2001 characters',
  ],
  [
    'a button in another colour',
    [actions(button({ style: 'warning' }))],
    'must be a valid enum value',
  ],
  ['a button to a script', [actions(button({ url: 'javascript:alert(1)' }))], 'invalid_url'],
  [
    'a button url of 3,001',
    [actions(button({ url: `https://a.b/${long(2989)}` }))],
    'must be less than 3001 characters',
  ],
  [
    'a label for screen readers of 76',
    [actions(button({ accessibility_label: long(76) }))],
    'must be less than 76 characters',
  ],
  ...(['title', 'text', 'confirm', 'deny'] as const).map((field): Refusal => [
    `a confirm without ${field}`,
    [actions(button({ confirm: { ...confirm, [field]: undefined } }))],
    `missing required field: ${field}`,
  ]),
  ...(
    [
      ['title', 100],
      ['text', 300],
      ['confirm', 30],
      ['deny', 30],
    ] as const
  ).map(([field, limit]): Refusal => [
    `a confirm's ${field} of ${limit + 1}`,
    [actions(button({ confirm: { ...confirm, [field]: plain(long(limit + 1)) } }))],
    `must be less than ${limit + 1} characters`,
  ]),
  [
    'a menu without options',
    [actions({ type: 'overflow', options: [] })],
    'no less than 1 items allowed',
  ],
  [
    'an initial checkbox that is not offered',
    [actions({ type: 'checkboxes', options: options(2), initial_options: [option('v9')] })],
    'initial option was not found in options',
  ],
  [
    'an overflow of six',
    [actions({ type: 'overflow', options: options(6) })],
    'no more than 5 items',
  ],
  ['101 options', [select({ options: options(101) })], 'no more than 100'],
  [
    'options and groups',
    [select({ options: options(1), option_groups: [{ label: plain(), options: options(1) }] })],
    'must provide either options or option_groups',
  ],
  ['a select without options', [select({})], 'must provide either options'],
  [
    'an initial option that is not offered',
    [select({ options: options(2), initial_option: option('v7') })],
    'initial option was not found in options',
  ],
  [
    'an option text of 76',
    [select({ options: [option('a', long(76))] })],
    'must be less than 76 characters',
  ],
  [
    'an option value of 151',
    [select({ options: [option(long(151))] })],
    'must be less than 151 characters',
  ],
  [
    'a link in a select',
    [select({ options: [{ ...option(), url: 'https://a.b' }] })],
    'invalid additional property: url',
  ],
  [
    'a placeholder of 151',
    [actions({ type: 'users_select', placeholder: plain(long(151)) })],
    'must be less than 151 characters',
  ],
  ['an image without source', [image({})], 'either image_url or slack_file'],
  [
    'an image with two sources',
    [image({ image_url: 'https://a.b', slack_file: { id: 'F1' } })],
    'either image_url or slack_file',
  ],
  [
    'an image without alt_text',
    [{ type: 'image', image_url: 'https://a.b' }],
    'missing required field: alt_text',
  ],
  [
    'an image with alt_text of 2,001',
    [image({ image_url: 'https://a.b', alt_text: long(2001) })],
    'must be less than 2001 characters',
  ],
  ['an empty rich text leaf', [rich(line(leaf('')))], 'more than 0 characters'],
  ['an empty rich text', [rich()], 'no less than 1 items'],
  [
    'a mention in preformatted text',
    [rich(preformatted({ type: 'user', user_id: 'U1' }))],
    '/blocks/0/elements/0/elements/0/type]',
  ],
  [
    'text straight in a list',
    [rich(bullets({ elements: [leaf()] }))],
    '/blocks/0/elements/0/elements/0',
  ],
  ['a list nine deep', [rich(bullets({ indent: 9 }))], 'must be at most 8'],
  [
    'an unknown rich text style',
    [rich(line({ ...leaf(), style: { blink: true } }))],
    'invalid additional property: blink',
  ],
  [
    'a broadcast to nobody known',
    [rich(line({ type: 'broadcast', range: 'all' }))],
    'must be a valid enum value',
  ],
  ['101 rows', [table(many(101, () => [cell()]))], 'no more than 100 items'],
  ['21 cells', [table([many(21, () => cell())])], 'no more than 20 items'],
  ['a table without rows', [table([])], 'no less than 1 items'],
  [
    'an empty cell',
    [table([[cell('')]])],
    'must be more than 0 characters [json-pointer:/blocks/0/rows/0/0/text]',
  ],
  ['a number in text', [table([[{ type: 'raw_number', value: '1' }]])], 'must provide a number'],
  [
    'a table of 10,001 characters',
    [table([[cell(long(9000)), rich(line(leaf(long(1001))))]])],
    'table text must be less than 10001 characters',
  ],
  ['two tables', [table([[cell()]]), table([[cell()]])], 'only_one_table_allowed'],
  [
    '21 column settings',
    [table([[cell()]], { column_settings: many(21, () => null) })],
    'no more than 20 items',
  ],
  [
    'a column aligned nowhere',
    [table([[cell()]], { column_settings: [{ align: 'justify' }] })],
    'must be a valid enum value',
  ],
  [
    'markdown of 12,001 in two blocks',
    many(2, (index) => ({ type: 'markdown', text: long(6000 + index) })),
    'markdown text must be less than 12001 characters',
  ],
  ['a container of eleven', [container(many(11, () => section()))], 'no more than 10 items'],
  ['an empty container', [container([])], 'no less than 1 items'],
  ['a chart in a container', [container([chart()])], '/blocks/0/child_blocks/0/type]'],
  [
    'a container within another',
    [container([container([section()])])],
    '/blocks/0/child_blocks/0/type]',
  ],
  [
    'a container closed that cannot be opened',
    [container([section()], { default_collapsed: true })],
    'default_collapsed requires is_collapsible',
  ],
  [
    'a second table, in a container',
    [table([[cell()]]), container([table([[cell()]])])],
    'only_one_table_allowed',
  ],
  [
    'one block_id inside and outside of a container',
    [
      section({ block_id: 'a', text: plain() }),
      container([section({ block_id: 'a', text: plain() })]),
    ],
    'block_id must be unique',
  ],
  ['three charts', many(3, () => chart()), 'no more than 2 data_visualization blocks allowed'],
  ['a chart title of 51', [{ ...chart(), title: long(51) }], 'must be less than 51 characters'],
  ['a pie', [chart({ type: 'pie' })], '/blocks/0/chart/type]'],
  [
    '13 series',
    [
      chart({
        series: many(13, (index) => ({ name: `s${index}`, data: [{ label: '12:00', value: 1 }] })),
      }),
    ],
    'no more than 12 items',
  ],
  [
    'two series of one name',
    [chart({ series: many(2, () => ({ name: 's', data: [{ label: '12:00', value: 1 }] })) })],
    'series names must be unique',
  ],
  [
    'a series name of 21',
    [chart({ series: [{ name: long(21), data: [{ label: '12:00', value: 1 }] }] })],
    'must be less than 21 characters',
  ],
  [
    'a series that misses a category',
    [chart({}, { categories: ['12:00', '12:01'] })],
    'one data point per category',
  ],
  ['21 categories', [chart({}, { categories: many(21, String) })], 'no more than 20 items'],
  ['an axis label of 51', [chart({}, { x_label: long(51) })], 'must be less than 51 characters'],
  [
    'a label of 2,001',
    [input(text(), { label: plain(long(2001)) })],
    'must be less than 2001 characters',
  ],
  ['a longest text of 3,001', [input(text({ max_length: 3001 }))], 'must be at most 3000'],
  ['a shortest text below nothing', [input(text({ min_length: -1 }))], 'must be at least 0'],
  ['a longest text of nothing', [input(text({ max_length: 0 }))], 'must be at least 1'],
  ['a header of level 0', [{ type: 'header', text: plain(), level: 0 }], 'must be at least 1'],
  ['a list indented outwards', [rich(bullets({ indent: -1 }))], 'must be at least 0'],
  ['a list that counts from below nothing', [rich(bullets({ offset: -1 }))], 'must be at least 0'],
  [
    'a number shown as nothing',
    [table([[{ type: 'raw_number', value: 1, text: '' }]])],
    'must be more than 0 characters',
  ],
  [
    'a link shown as nothing',
    [rich(line({ type: 'link', url: 'https://a.b', text: '' }))],
    'must be more than 0 characters',
  ],
  [
    'a shortest above the longest',
    [input(text({ min_length: 5, max_length: 4 }))],
    'min_length must not exceed max_length',
  ],
  [
    'a number input that says nothing of decimals',
    [input({ type: 'number_input' })],
    'missing required field: is_decimal_allowed',
  ],
  [
    'a number input with words',
    [input(number({ initial_value: 'ten' }))],
    '/blocks/0/element/initial_value]',
  ],
  [
    'eleven checkboxes',
    [input({ type: 'checkboxes', options: options(11) })],
    'no more than 10 items',
  ],
  [
    'an initial radio button that is not offered',
    [input(radio({ options: options(2), initial_option: option('v9') }))],
    'initial option was not found in options',
  ],
  ['a button as an input', [input(button())], '/blocks/0/element/type]'],
  [
    'a block_id of 256',
    [{ type: 'divider', block_id: long(256) }],
    'must be less than 256 characters',
  ],
  [
    'one block_id twice',
    many(2, () => ({ type: 'divider', block_id: 'same' })),
    'block_id must be unique',
  ],
  [
    'one action_id twice in a block',
    [actions(button({ action_id: 'a' }), button({ action_id: 'a' }))],
    'action_id must be unique in a block [json-pointer:/blocks/0]',
  ],
  [
    'two fields that want the cursor',
    many(2, () => input(text({ focus_on_load: true }))),
    'only one element may have focus_on_load',
  ],
];

test.for(refused)('refuses %s', ([, blocks, says, surface = 'message']) => {
  const problems = checkBlocks(surface, blocks);
  expect(problems.join('\n')).toContain(says);
  // Slack's form, which the SDK logs: a level, a sentence and a JSON pointer.
  for (const problem of problems)
    expect(problem).toMatch(/^\[ERROR\] .+ \[json-pointer:\/[^\]]*\]$/);
});

test('refuses blocks that are no list', () => {
  expect(checkBlocks('message', { type: 'section' })).toEqual([
    '[ERROR] must provide an array [json-pointer:/blocks]',
  ]);
});

test('names at most twenty problems of one payload', () => {
  const blocks = many(50, () => section({ text: mrkdwn('') }));
  expect(checkBlocks('message', blocks)).toHaveLength(20);
});
