import { z } from 'zod';

/**
 * Every limit of Block Kit that dbconn can run into, as one table of shapes. It knows the blocks
 * dbconn sends and refuses all others, and it refuses what it does not know about a block, because
 * a fake that is laxer than Slack lets a message through that fails in the night it is needed.
 * Source: docs.slack.dev/reference/block-kit, and where pages differ the stricter one.
 */

export type Surface = 'message' | 'modal' | 'home';

/** Limits over a whole payload; check-payload.ts applies them. */
export const payloadLimits = {
  blocks: { message: 50, modal: 100, home: 100 },
  tables: 1,
  tableCharacters: 10_000,
  markdownCharacters: 12_000,
  charts: 2,
} as const;

const flag = z.boolean().optional();
const given = z.string().min(1);
const words = (max: number) => given.max(max);
const id = words(255).optional();
const url = words(3000)
  .regex(/^https?:\/\/\S+$/)
  .optional();
const some = <T extends z.ZodType>(item: T, max?: number) =>
  max === undefined ? z.array(item).min(1) : z.array(item).min(1).max(max);
const kind = <T extends string, S extends z.ZodRawShape>(type: T, fields: S) =>
  z.strictObject({ type: z.literal(type), ...fields });
const oneOf = <T extends readonly string[]>(...values: T) => z.enum(values).optional();

// Composition objects. The SDK's types make a confirm's title, confirm and deny optional; Slack's
// reference requires all four.
const plain = (max = 3000) => kind('plain_text', { text: words(max), emoji: flag });
const mrkdwn = (max = 3000) => kind('mrkdwn', { text: words(max), verbatim: flag });
const either = (max = 3000) => z.discriminatedUnion('type', [plain(max), mrkdwn(max)]);
const style = oneOf('primary', 'danger');
const confirm = z
  .strictObject({
    title: plain(100),
    text: either(300),
    confirm: plain(30),
    deny: plain(30),
    style,
  })
  .optional();
const value = words(150);
const option = z.strictObject({ text: plain(75), value, description: plain(75).optional() });
const choice = z.strictObject({ text: either(75), value, description: either(75).optional() });
const group = z.strictObject({ label: plain(75), options: some(option, 100) });
const placeholder = plain(150).optional();

function isOffered(chosen: readonly unknown[], offered: readonly unknown[]): boolean {
  const known = new Set(offered.map((one) => JSON.stringify(one)));
  return chosen.every((one) => known.has(JSON.stringify(one)));
}
const notOffered = { message: 'initial option was not found in options' };

function isExactlyOne(a: unknown, b: unknown): boolean {
  return (a === undefined) !== (b === undefined);
}

// Elements
const base = { action_id: id, confirm };
const entry = { action_id: id, focus_on_load: flag, placeholder };
const dispatch_action_config = z
  .strictObject({ trigger_actions_on: some(z.enum(['on_enter_pressed', 'on_character_entered'])) })
  .optional();
const numeral = z.string().regex(/^-?\d+(\.\d+)?$/, { error: 'must be a number in a string' });

const button = kind('button', {
  ...base,
  text: plain(75),
  value: words(2000).optional(),
  url,
  style,
  accessibility_label: words(75).optional(),
});
const overflow = kind('overflow', { ...base, options: some(option.extend({ url }), 5) });
const staticSelect = kind('static_select', {
  ...base,
  ...entry,
  options: some(option, 100).optional(),
  option_groups: some(group, 100).optional(),
  initial_option: option.optional(),
})
  .refine((one) => isExactlyOne(one.options, one.option_groups), {
    message: 'must provide either options or option_groups',
  })
  .refine(({ initial_option: chosen, options, option_groups: groups }) => {
    const offered = options ?? groups?.flatMap((one) => one.options) ?? [];
    return isOffered(chosen === undefined ? [] : [chosen], offered);
  }, notOffered);
const usersSelect = kind('users_select', { ...base, ...entry, initial_user: id });
const plainTextInput = kind('plain_text_input', {
  ...entry,
  initial_value: z.string().max(3000).optional(),
  multiline: flag,
  min_length: z.int().min(0).max(3000).optional(),
  max_length: z.int().min(1).max(3000).optional(),
  dispatch_action_config,
}).refine((one) => (one.min_length ?? 0) <= (one.max_length ?? 3000), {
  message: 'min_length must not exceed max_length',
});
const numberInput = kind('number_input', {
  ...entry,
  is_decimal_allowed: z.boolean(),
  initial_value: numeral.optional(),
  min_value: numeral.optional(),
  max_value: numeral.optional(),
  dispatch_action_config,
});
const checkboxes = kind('checkboxes', {
  ...base,
  focus_on_load: flag,
  options: some(choice, 10),
  initial_options: some(choice, 10).optional(),
}).refine((one) => isOffered(one.initial_options ?? [], one.options), notOffered);
const radioButtons = kind('radio_buttons', {
  ...base,
  focus_on_load: flag,
  options: some(choice, 10),
  initial_option: choice.optional(),
}).refine(
  (one) => isOffered(one.initial_option === undefined ? [] : [one.initial_option], one.options),
  notOffered,
);
const slackFile = z.union([z.strictObject({ id: given }), z.strictObject({ url: words(3000) })]);
const imageSource = { alt_text: words(2000), image_url: url, slack_file: slackFile.optional() };
const oneSource = { message: 'must provide either image_url or slack_file' };
const imageElement = kind('image', imageSource).refine(
  (one) => isExactlyOne(one.image_url, one.slack_file),
  oneSource,
);

// Rich text
const marks = z
  .strictObject({ bold: flag, italic: flag, strike: flag, code: flag, underline: flag })
  .optional();
const text = kind('text', { text: given, style: marks });
const link = kind('link', {
  url: url.unwrap(),
  text: given.optional(),
  unsafe: flag,
  style: marks,
});
const leaf = z.discriminatedUnion('type', [
  text,
  link,
  kind('user', { user_id: given, style: marks }),
  kind('usergroup', { usergroup_id: given, style: marks }),
  kind('channel', { channel_id: given, style: marks }),
  kind('emoji', { name: given, unicode: given.optional(), style: marks }),
  kind('broadcast', { range: z.enum(['here', 'channel', 'everyone']), style: marks }),
  kind('date', {
    timestamp: z.int(),
    format: given,
    url,
    fallback: given.optional(),
    style: marks,
  }),
]);
const border = z.literal([0, 1]).optional();
const richSection = kind('rich_text_section', { elements: some(leaf) });
const richText = kind('rich_text', {
  block_id: id,
  elements: some(
    z.discriminatedUnion('type', [
      richSection,
      kind('rich_text_preformatted', {
        elements: some(z.discriminatedUnion('type', [text, link])),
        border,
        language: given.optional(),
      }),
      kind('rich_text_quote', { elements: some(leaf), border }),
      kind('rich_text_list', {
        style: z.enum(['bullet', 'ordered']),
        elements: some(richSection),
        indent: z.int().min(0).max(8).optional(),
        offset: z.int().min(0).optional(),
        border,
      }),
    ]),
  ),
});

// Tables and charts
const cell = z.discriminatedUnion('type', [
  kind('raw_text', { text: given }),
  kind('raw_number', { value: z.number(), text: given.optional() }),
  richText,
]);
const column = z.strictObject({ align: oneOf('left', 'center', 'right'), is_wrapped: flag });
const series = z.strictObject({
  name: words(20),
  data: some(z.strictObject({ label: words(20), value: z.number() }), 20),
});
const lineChart = kind('line', {
  series: some(series, 12),
  axis_config: z.strictObject({
    categories: some(words(20), 20),
    x_label: words(50).optional(),
    y_label: words(50).optional(),
  }),
})
  .refine((one) => new Set(one.series.map(({ name }) => name)).size === one.series.length, {
    message: 'series names must be unique',
  })
  .refine(
    ({ series: lines, axis_config: { categories } }) =>
      lines.every(
        ({ data }) =>
          data.length === categories.length &&
          categories.every((category) => data.some(({ label }) => label === category)),
      ),
    { message: 'every series must have one data point per category' },
  );

// Blocks
const messageElements = [
  button,
  overflow,
  staticSelect,
  usersSelect,
  checkboxes,
  radioButtons,
] as const;
const inputElements = [
  plainTextInput,
  numberInput,
  staticSelect,
  usersSelect,
  checkboxes,
  radioButtons,
] as const;
const anywhere = {
  section: kind('section', {
    block_id: id,
    text: either().optional(),
    fields: some(either(2000), 10).optional(),
    accessory: z.discriminatedUnion('type', [...messageElements, imageElement]).optional(),
    expand: flag,
  }).refine((one) => one.text !== undefined || one.fields !== undefined, {
    message: 'must provide text or fields',
  }),
  header: kind('header', {
    block_id: id,
    text: plain(150),
    level: z.int().min(1).max(4).optional(),
  }),
  divider: kind('divider', { block_id: id }),
  context: kind('context', {
    block_id: id,
    elements: some(z.discriminatedUnion('type', [plain(), mrkdwn(), imageElement]), 10),
  }),
  actions: kind('actions', {
    block_id: id,
    elements: some(z.discriminatedUnion('type', messageElements), 25),
  }),
  image: kind('image', { block_id: id, title: plain(2000).optional(), ...imageSource }).refine(
    (one) => isExactlyOne(one.image_url, one.slack_file),
    oneSource,
  ),
  rich_text: richText,
  input: kind('input', {
    block_id: id,
    label: plain(2000),
    hint: plain(2000).optional(),
    optional: flag,
    dispatch_action: flag,
    element: z.discriminatedUnion('type', inputElements),
  }),
};
const table = kind('table', {
  block_id: id,
  rows: some(some(cell, 20), 100),
  column_settings: some(column.nullable(), 20).optional(),
});
/** Slack takes more in a container; of that dbconn sends text and tables. */
const { section, header, divider, context } = anywhere;
const container = kind('container', {
  block_id: id,
  title: plain(150),
  subtitle: either(150).optional(),
  child_blocks: some(
    z.discriminatedUnion('type', [section, header, divider, context, richText, table]),
    10,
  ),
  width: oneOf('narrow', 'standard', 'wide', 'full'),
  is_collapsible: flag,
  default_collapsed: flag,
}).refine((one) => one.default_collapsed !== true || one.is_collapsible === true, {
  message: 'default_collapsed requires is_collapsible',
});
// Whether Home and modals draw tables is disputed between Slack's own pages; messages do.
const messageOnly = {
  table,
  container,
  markdown: kind('markdown', { block_id: id, text: words(payloadLimits.markdownCharacters) }),
  data_visualization: kind('data_visualization', {
    block_id: id,
    title: words(50),
    chart: z.discriminatedUnion('type', [lineChart]),
  }),
};
const modalOnly = {
  alert: kind('alert', {
    block_id: id,
    text: either(),
    level: oneOf('default', 'info', 'warning', 'error', 'success'),
  }),
};

/** Surface -> block type -> shape. A type that a surface does not list is refused there. */
export const blockShapes: Readonly<Record<Surface, ReadonlyMap<string, z.ZodType>>> = {
  message: new Map<string, z.ZodType>(Object.entries({ ...anywhere, ...messageOnly })),
  modal: new Map<string, z.ZodType>(Object.entries({ ...anywhere, ...modalOnly })),
  home: new Map<string, z.ZodType>(Object.entries(anywhere)),
};
