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
  radio,
  text,
  number,
} from './support/raw-blocks.ts';

interface Refusal {
  readonly name: string;
  readonly surface?: Surface;
  readonly blocks: readonly unknown[];
  readonly says: string;
}

const refused: readonly Refusal[] = [
  {
    name: '51 blocks',
    blocks: many(51, () => section()),
    says: 'no more than 50 items allowed [json-pointer:/blocks]',
  },
  {
    name: '101 blocks at home',
    surface: 'home',
    blocks: many(101, () => section()),
    says: 'no more than 100 items',
  },
  { name: 'something that is no object', blocks: ['x'], says: '[json-pointer:/blocks/0]' },
  {
    name: 'a block without a type',
    blocks: [{ text: mrkdwn() }],
    says: 'missing required field: type [json-pointer:/blocks/0/type]',
  },
  ...[
    'video',
    'file',
    'card',
    'carousel',
    'container',
    'data_table',
    'context_actions',
    'plan',
  ].map((type) => ({
    name: `the block ${type}`,
    blocks: [{ type }],
    says: `unsupported type: ${type}`,
  })),
  {
    name: 'an alert in a message',
    blocks: [{ type: 'alert', text: plain() }],
    says: 'unsupported type: alert [json-pointer:/blocks/0/type]',
  },
  ...(['modal', 'home'] as const).flatMap((surface) =>
    [table([[cell()]]), chart(), { type: 'markdown', text: 'x' }].map((block) => ({
      name: `a ${String(block['type'])} on a ${surface}`,
      surface,
      blocks: [block],
      says: 'unsupported type',
    })),
  ),
  {
    name: 'an alert at home',
    surface: 'home',
    blocks: [{ type: 'alert', text: plain() }],
    says: 'unsupported type',
  },
  {
    name: 'an empty text',
    blocks: [section(), section({ text: mrkdwn('') })],
    says: 'must be more than 0 characters [json-pointer:/blocks/1/text/text]',
  },
  {
    name: 'a section of 3,001',
    blocks: [section({ text: mrkdwn(long(3001)) })],
    says: 'must be less than 3001 characters [json-pointer:/blocks/0/text/text]',
  },
  { name: 'a section without text', blocks: [section({})], says: 'must provide text or fields' },
  {
    name: 'eleven fields',
    blocks: [section({ fields: many(11, () => plain()) })],
    says: 'no more than 10 items allowed [json-pointer:/blocks/0/fields]',
  },
  { name: 'no fields', blocks: [section({ fields: [] })], says: 'no less than 1 items' },
  {
    name: 'a field of 2,001',
    blocks: [section({ fields: [plain(long(2001))] })],
    says: 'must be less than 2001 characters',
  },
  {
    name: 'a property Slack does not know',
    blocks: [section({ text: mrkdwn(), colour: 'red' })],
    says: 'invalid additional property: colour [json-pointer:/blocks/0]',
  },
  {
    name: 'a property a text does not have',
    blocks: [section({ text: { ...mrkdwn(), emoji: true } })],
    says: 'invalid additional property: emoji',
  },
  {
    name: 'a text field as an accessory',
    blocks: [section({ text: mrkdwn(), accessory: { type: 'plain_text_input' } })],
    says: '/blocks/0/accessory/type]',
  },
  {
    name: 'a header of 151',
    blocks: [{ type: 'header', text: plain(long(151)) }],
    says: 'must be less than 151 characters',
  },
  { name: 'a header in mrkdwn', blocks: [{ type: 'header', text: mrkdwn() }], says: 'enum value' },
  {
    name: 'a header of level 5',
    blocks: [{ type: 'header', text: plain(), level: 5 }],
    says: 'must be at most 4',
  },
  {
    name: 'a context of eleven',
    blocks: [{ type: 'context', elements: many(11, () => mrkdwn()) }],
    says: 'no more than 10 items',
  },
  {
    name: 'a button in a context',
    blocks: [{ type: 'context', elements: [button()] }],
    says: '/blocks/0/elements/0/type]',
  },
  { name: 'no buttons', blocks: [actions()], says: 'no less than 1 items' },
  {
    name: '26 buttons',
    blocks: [actions(...many(26, () => button()))],
    says: 'no more than 25 items',
  },
  {
    name: 'an input element among buttons',
    blocks: [actions(text())],
    says: '/blocks/0/elements/0/type]',
  },
  {
    name: 'a button text of 76',
    blocks: [actions(button({ text: plain(long(76)) }))],
    says: 'must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]',
  },
  {
    name: 'a button text in mrkdwn',
    blocks: [actions(button({ text: mrkdwn() }))],
    says: 'must be a valid enum value [json-pointer:/blocks/0/elements/0/text/type]',
  },
  {
    name: 'a button value of 2,001',
    blocks: [actions(button({ value: long(2001) }))],
    says: 'must be less than 2001 characters',
  },
  {
    name: 'a button in another colour',
    blocks: [actions(button({ style: 'warning' }))],
    says: 'must be a valid enum value',
  },
  {
    name: 'a button to a script',
    blocks: [actions(button({ url: 'javascript:alert(1)' }))],
    says: 'invalid_url',
  },
  {
    name: 'a button url of 3,001',
    blocks: [actions(button({ url: `https://a.b/${long(2989)}` }))],
    says: 'must be less than 3001 characters',
  },
  {
    name: 'a label for screen readers of 76',
    blocks: [actions(button({ accessibility_label: long(76) }))],
    says: 'must be less than 76 characters',
  },
  ...(['title', 'text', 'confirm', 'deny'] as const).map((field) => ({
    name: `a confirm without ${field}`,
    blocks: [actions(button({ confirm: { ...confirm, [field]: undefined } }))],
    says: `missing required field: ${field}`,
  })),
  ...(
    [
      ['title', 100],
      ['text', 300],
      ['confirm', 30],
      ['deny', 30],
    ] as const
  ).map(([field, limit]) => ({
    name: `a confirm's ${field} of ${limit + 1}`,
    blocks: [actions(button({ confirm: { ...confirm, [field]: plain(long(limit + 1)) } }))],
    says: `must be less than ${limit + 1} characters`,
  })),
  {
    name: 'a menu without options',
    blocks: [actions({ type: 'overflow', options: [] })],
    says: 'no less than 1 items allowed',
  },
  {
    name: 'an initial checkbox that is not offered',
    blocks: [actions({ type: 'checkboxes', options: options(2), initial_options: [option('v9')] })],
    says: 'initial option was not found in options',
  },
  {
    name: 'an overflow of six',
    blocks: [actions({ type: 'overflow', options: options(6) })],
    says: 'no more than 5 items',
  },
  { name: '101 options', blocks: [select({ options: options(101) })], says: 'no more than 100' },
  {
    name: 'options and groups',
    blocks: [
      select({ options: options(1), option_groups: [{ label: plain(), options: options(1) }] }),
    ],
    says: 'must provide either options or option_groups',
  },
  { name: 'a select without options', blocks: [select({})], says: 'must provide either options' },
  {
    name: 'an initial option that is not offered',
    blocks: [select({ options: options(2), initial_option: option('v7') })],
    says: 'initial option was not found in options',
  },
  {
    name: 'an option text of 76',
    blocks: [select({ options: [option('a', long(76))] })],
    says: 'must be less than 76 characters',
  },
  {
    name: 'an option value of 151',
    blocks: [select({ options: [option(long(151))] })],
    says: 'must be less than 151 characters',
  },
  {
    name: 'a link in a select',
    blocks: [select({ options: [{ ...option(), url: 'https://a.b' }] })],
    says: 'invalid additional property: url',
  },
  {
    name: 'a placeholder of 151',
    blocks: [actions({ type: 'users_select', placeholder: plain(long(151)) })],
    says: 'must be less than 151 characters',
  },
  { name: 'an image without source', blocks: [image({})], says: 'either image_url or slack_file' },
  {
    name: 'an image with two sources',
    blocks: [image({ image_url: 'https://a.b', slack_file: { id: 'F1' } })],
    says: 'either image_url or slack_file',
  },
  {
    name: 'an image without alt_text',
    blocks: [{ type: 'image', image_url: 'https://a.b' }],
    says: 'missing required field: alt_text',
  },
  {
    name: 'an image with alt_text of 2,001',
    blocks: [image({ image_url: 'https://a.b', alt_text: long(2001) })],
    says: 'must be less than 2001 characters',
  },
  {
    name: 'an empty rich text leaf',
    blocks: [rich(line(leaf('')))],
    says: 'more than 0 characters',
  },
  { name: 'an empty rich text', blocks: [rich()], says: 'no less than 1 items' },
  {
    name: 'a mention in preformatted text',
    blocks: [rich(preformatted({ type: 'user', user_id: 'U1' }))],
    says: '/blocks/0/elements/0/elements/0/type]',
  },
  {
    name: 'text straight in a list',
    blocks: [rich(bullets({ elements: [leaf()] }))],
    says: '/blocks/0/elements/0/elements/0',
  },
  { name: 'a list nine deep', blocks: [rich(bullets({ indent: 9 }))], says: 'must be at most 8' },
  {
    name: 'an unknown rich text style',
    blocks: [rich(line({ ...leaf(), style: { blink: true } }))],
    says: 'invalid additional property: blink',
  },
  {
    name: 'a broadcast to nobody known',
    blocks: [rich(line({ type: 'broadcast', range: 'all' }))],
    says: 'must be a valid enum value',
  },
  { name: '101 rows', blocks: [table(many(101, () => [cell()]))], says: 'no more than 100 items' },
  { name: '21 cells', blocks: [table([many(21, () => cell())])], says: 'no more than 20 items' },
  { name: 'a table without rows', blocks: [table([])], says: 'no less than 1 items' },
  {
    name: 'an empty cell',
    blocks: [table([[cell('')]])],
    says: 'must be more than 0 characters [json-pointer:/blocks/0/rows/0/0/text]',
  },
  {
    name: 'a number in text',
    blocks: [table([[{ type: 'raw_number', value: '1' }]])],
    says: 'must provide a number',
  },
  {
    name: 'a table of 10,001 characters',
    blocks: [table([[cell(long(9000)), rich(line(leaf(long(1001))))]])],
    says: 'table text must be less than 10001 characters',
  },
  {
    name: 'two tables',
    blocks: [table([[cell()]]), table([[cell()]])],
    says: 'only_one_table_allowed',
  },
  {
    name: '21 column settings',
    blocks: [table([[cell()]], { column_settings: many(21, () => null) })],
    says: 'no more than 20 items',
  },
  {
    name: 'a column aligned nowhere',
    blocks: [table([[cell()]], { column_settings: [{ align: 'justify' }] })],
    says: 'must be a valid enum value',
  },
  {
    name: 'markdown of 12,001 in two blocks',
    blocks: many(2, (index) => ({ type: 'markdown', text: long(6000 + index) })),
    says: 'markdown text must be less than 12001 characters',
  },
  {
    name: 'three charts',
    blocks: many(3, () => chart()),
    says: 'no more than 2 data_visualization blocks allowed',
  },
  {
    name: 'a chart title of 51',
    blocks: [{ ...chart(), title: long(51) }],
    says: 'must be less than 51 characters',
  },
  { name: 'a pie', blocks: [chart({ type: 'pie' })], says: '/blocks/0/chart/type]' },
  {
    name: '13 series',
    blocks: [
      chart({
        series: many(13, (index) => ({ name: `s${index}`, data: [{ label: '12:00', value: 1 }] })),
      }),
    ],
    says: 'no more than 12 items',
  },
  {
    name: 'two series of one name',
    blocks: [
      chart({ series: many(2, () => ({ name: 's', data: [{ label: '12:00', value: 1 }] })) }),
    ],
    says: 'series names must be unique',
  },
  {
    name: 'a series name of 21',
    blocks: [chart({ series: [{ name: long(21), data: [{ label: '12:00', value: 1 }] }] })],
    says: 'must be less than 21 characters',
  },
  {
    name: 'a series that misses a category',
    blocks: [chart({}, { categories: ['12:00', '12:01'] })],
    says: 'one data point per category',
  },
  {
    name: '21 categories',
    blocks: [chart({}, { categories: many(21, String) })],
    says: 'no more than 20 items',
  },
  {
    name: 'an axis label of 51',
    blocks: [chart({}, { x_label: long(51) })],
    says: 'must be less than 51 characters',
  },
  {
    name: 'a label of 2,001',
    blocks: [input(text(), { label: plain(long(2001)) })],
    says: 'must be less than 2001 characters',
  },
  {
    name: 'a longest text of 3,001',
    blocks: [input(text({ max_length: 3001 }))],
    says: 'must be at most 3000',
  },
  {
    name: 'a shortest text below nothing',
    blocks: [input(text({ min_length: -1 }))],
    says: 'must be at least 0',
  },
  {
    name: 'a longest text of nothing',
    blocks: [input(text({ max_length: 0 }))],
    says: 'must be at least 1',
  },
  {
    name: 'a header of level 0',
    blocks: [{ type: 'header', text: plain(), level: 0 }],
    says: 'must be at least 1',
  },
  {
    name: 'a list indented outwards',
    blocks: [rich(bullets({ indent: -1 }))],
    says: 'must be at least 0',
  },
  {
    name: 'a list that counts from below nothing',
    blocks: [rich(bullets({ offset: -1 }))],
    says: 'must be at least 0',
  },
  {
    name: 'a number shown as nothing',
    blocks: [table([[{ type: 'raw_number', value: 1, text: '' }]])],
    says: 'must be more than 0 characters',
  },
  {
    name: 'a link shown as nothing',
    blocks: [rich(line({ type: 'link', url: 'https://a.b', text: '' }))],
    says: 'must be more than 0 characters',
  },
  {
    name: 'a shortest above the longest',
    blocks: [input(text({ min_length: 5, max_length: 4 }))],
    says: 'min_length must not exceed max_length',
  },
  {
    name: 'a number input that says nothing of decimals',
    blocks: [input({ type: 'number_input' })],
    says: 'missing required field: is_decimal_allowed',
  },
  {
    name: 'a number input with words',
    blocks: [input(number({ initial_value: 'ten' }))],
    says: '/blocks/0/element/initial_value]',
  },
  {
    name: 'eleven checkboxes',
    blocks: [input({ type: 'checkboxes', options: options(11) })],
    says: 'no more than 10 items',
  },
  {
    name: 'an initial radio button that is not offered',
    blocks: [input(radio({ options: options(2), initial_option: option('v9') }))],
    says: 'initial option was not found in options',
  },
  { name: 'a button as an input', blocks: [input(button())], says: '/blocks/0/element/type]' },
  {
    name: 'a block_id of 256',
    blocks: [{ type: 'divider', block_id: long(256) }],
    says: 'must be less than 256 characters',
  },
  {
    name: 'one block_id twice',
    blocks: many(2, () => ({ type: 'divider', block_id: 'same' })),
    says: 'block_id must be unique',
  },
  {
    name: 'one action_id twice in a block',
    blocks: [actions(button({ action_id: 'a' }), button({ action_id: 'a' }))],
    says: 'action_id must be unique in a block [json-pointer:/blocks/0]',
  },
  {
    name: 'two fields that want the cursor',
    blocks: many(2, () => input(text({ focus_on_load: true }))),
    says: 'only one element may have focus_on_load',
  },
];

test.for(refused)('refuses $name', ({ surface = 'message', blocks, says }) => {
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
