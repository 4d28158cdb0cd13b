import { z } from 'zod';
import { blockShapes, payloadLimits } from './block-rules.ts';
import type { Surface } from './block-rules.ts';
import { toRuleMessage } from './rule-messages.ts';

/** Enough to see a pattern; one bad table would otherwise name two thousand cells. */
const MAX_PROBLEMS = 20;

const Typed = z.looseObject({ type: z.string() });
type Typed = z.infer<typeof Typed>;

/** Every object inside a payload with the keys it carries, depth first. */
function* walk(value: unknown): Generator<Record<string, unknown>> {
  if (Array.isArray(value)) {
    for (const one of value) yield* walk(one);
  } else if (typeof value === 'object' && value !== null) {
    yield { ...value };
    for (const inner of Object.values(value)) yield* walk(inner);
  }
}

function countTextIn(value: unknown): number {
  let characters = 0;
  for (const node of walk(value)) {
    if (typeof node['text'] === 'string') characters += node['text'].length;
    else if (node['type'] === 'raw_number') characters += String(node['value']).length;
  }
  return characters;
}

function countRepeated(values: readonly unknown[]): number {
  const named = values.filter((one) => typeof one === 'string');
  return named.length - new Set(named).size;
}

function idProblems(blocks: readonly Typed[]): string[] {
  const problems: string[] = [];
  const all = blocks.flatMap((block) => [block, ...childrenOf(block)]);
  if (countRepeated(all.map((block) => block['block_id'])) > 0) {
    problems.push('[ERROR] block_id must be unique [json-pointer:/blocks]');
  }
  for (const [index, block] of blocks.entries()) {
    const actionIds = [...walk(block)].map((node) => node['action_id']);
    if (countRepeated(actionIds) > 0) {
      problems.push(`[ERROR] action_id must be unique in a block [json-pointer:/blocks/${index}]`);
    }
  }
  const focused = [...walk(blocks)].filter((node) => node['focus_on_load'] === true);
  if (focused.length > 1) {
    problems.push('[ERROR] only one element may have focus_on_load [json-pointer:/blocks]');
  }
  return problems;
}

/** What a container holds counts as if it stood in the message itself. */
function childrenOf({ child_blocks: children }: Typed): readonly Typed[] {
  return z.array(Typed).safeParse(children).data ?? [];
}

function sumProblems(blocks: readonly Typed[]): string[] {
  const all = blocks.flatMap((block) => [block, ...childrenOf(block)]);
  const ofType = (type: string): readonly Typed[] => all.filter((block) => block.type === type);
  const tables = ofType('table');
  const checks: readonly [boolean, string][] = [
    [tables.length > payloadLimits.tables, 'only_one_table_allowed'],
    [
      countTextIn(tables) > payloadLimits.tableCharacters,
      `table text must be less than ${payloadLimits.tableCharacters + 1} characters`,
    ],
    [
      countTextIn(ofType('markdown')) > payloadLimits.markdownCharacters,
      `markdown text must be less than ${payloadLimits.markdownCharacters + 1} characters`,
    ],
    [
      ofType('data_visualization').length > payloadLimits.charts,
      `no more than ${payloadLimits.charts} data_visualization blocks allowed`,
    ],
  ];
  return checks
    .filter(([broken]) => broken)
    .map(([, message]) => `[ERROR] ${message} [json-pointer:/blocks]`);
}

function shapeProblems(surface: Surface, blocks: readonly unknown[]): string[] {
  return blocks.flatMap((block, index) => {
    const typed = Typed.safeParse(block, { reportInput: true });
    if (!typed.success) {
      return typed.error.issues.map((issue) => toRuleMessage(issue, `/blocks/${index}`));
    }
    const shape = blockShapes[surface].get(typed.data.type);
    if (shape === undefined) {
      return [`[ERROR] unsupported type: ${typed.data.type} [json-pointer:/blocks/${index}/type]`];
    }
    const checked = shape.safeParse(block, { reportInput: true });
    return checked.success
      ? []
      : checked.error.issues.map((issue) => toRuleMessage(issue, `/blocks/${index}`));
  });
}

/**
 * Everything Slack would refuse about these blocks on this surface, in the words and JSON pointers
 * of `response_metadata.messages`; empty when it would take them. Pure, so tests of message
 * builders can ask it without a server.
 */
export function checkBlocks(surface: Surface, blocks: unknown): readonly string[] {
  if (!Array.isArray(blocks)) return ['[ERROR] must provide an array [json-pointer:/blocks]'];
  const limit = payloadLimits.blocks[surface];
  if (blocks.length > limit) {
    return [`[ERROR] no more than ${limit} items allowed [json-pointer:/blocks]`];
  }
  const problems = shapeProblems(surface, blocks);
  if (problems.length === 0) {
    const typed = z.array(Typed).parse(blocks);
    problems.push(...idProblems(typed), ...sumProblems(typed));
  }
  return problems.slice(0, MAX_PROBLEMS);
}

const flag = z.boolean().optional();
const heading = z.strictObject({
  type: z.literal('plain_text'),
  text: z.string().min(1).max(24),
  emoji: flag,
});
const viewBase = {
  blocks: z.array(z.unknown()),
  private_metadata: z.string().max(3000).optional(),
  callback_id: z.string().max(255).optional(),
  external_id: z.string().max(255).optional(),
};

/** The envelope of a view; its blocks are checked against `blockShapes`. */
export const viewShape = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('home'), ...viewBase }),
  z.strictObject({
    type: z.literal('modal'),
    ...viewBase,
    title: heading,
    submit: heading.optional(),
    close: heading.optional(),
    clear_on_close: flag,
    notify_on_close: flag,
  }),
]);
export type CheckedView = z.infer<typeof viewShape>;

/** As checkBlocks, for a modal or Home view with its envelope. */
export function checkView(view: unknown): readonly string[] {
  const envelope = viewShape.safeParse(view, { reportInput: true });
  if (!envelope.success) {
    return envelope.error.issues.map((issue) => toRuleMessage(issue, '/view'));
  }
  const { data } = envelope;
  const problems = checkBlocks(data.type, data.blocks).map((problem) =>
    problem.replace('[json-pointer:', '[json-pointer:/view'),
  );
  const asks = z.array(Typed).safeParse(data.blocks);
  const hasInput = asks.success && asks.data.some((block) => block.type === 'input');
  if (data.type === 'modal' && hasInput && data.submit === undefined) {
    return [...problems, '[ERROR] missing required field: submit [json-pointer:/view/submit]'];
  }
  return problems;
}
