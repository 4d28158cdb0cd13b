import Table from 'cli-table3';
import { z } from 'zod';

/** A Slack message as a terminal can show it: what a person would read, block by block. */

const Text = z.looseObject({ text: z.string() });
const Leaf = z.looseObject({
  type: z.string(),
  text: z.string().optional(),
  url: z.string().optional(),
  user_id: z.string().optional(),
  usergroup_id: z.string().optional(),
  fallback: z.string().optional(),
});
const RichElement = z.looseObject({ type: z.string(), elements: z.array(z.unknown()).default([]) });
const Cell = z.looseObject({
  type: z.string(),
  text: z.string().optional(),
  value: z.number().optional(),
  elements: z.array(z.unknown()).default([]),
});
const Series = z.looseObject({
  name: z.string(),
  data: z.array(z.looseObject({ label: z.string(), value: z.number() })),
});

const Block = z.looseObject({
  type: z.string(),
  text: z.union([Text, z.string()]).optional(),
  fields: z.array(Text).default([]),
  elements: z.array(z.unknown()).default([]),
  rows: z.array(z.array(Cell)).default([]),
  title: z.union([Text, z.string()]).optional(),
  child_blocks: z.array(z.unknown()).default([]),
  chart: z.looseObject({ series: z.array(Series).default([]) }).optional(),
});
type Block = z.infer<typeof Block>;

export interface SlackMessage {
  readonly text?: string | undefined;
  readonly blocks?: readonly unknown[] | undefined;
}

export function toText({ text, blocks }: SlackMessage): string {
  if (blocks === undefined || blocks.length === 0) return unescape(text ?? '');
  return blocks.map((block) => blockText(Block.parse(block))).join('\n');
}

function blockText(block: Block): string {
  switch (block.type) {
    case 'divider':
      return '─'.repeat(72);
    case 'table':
      return tableText(block.rows);
    case 'rich_text':
      return block.elements.map((element) => richText(element)).join('\n');
    case 'context':
      return block.elements.map((element) => leafText(element)).join('  ');
    case 'actions':
      return block.elements.map((element) => `[ ${buttonText(element)} ]`).join('  ');
    case 'data_visualization':
      return chartText(block);
    case 'container':
      return [titleOf(block), ...block.child_blocks.map((one) => blockText(Block.parse(one)))].join(
        '\n',
      );
    default: {
      const own = typeof block.text === 'string' ? block.text : (block.text?.text ?? '');
      return [own, ...block.fields.map((field) => field.text)].map(unescape).join('\n');
    }
  }
}

function tableText(rows: Block['rows']): string {
  const [head = [], ...body] = rows.map((row) => row.map((cell) => cellText(cell)));
  const table = new Table({ head, style: { head: [], border: [] } });
  table.push(...body);
  return table.toString();
}

function cellText({ type, text, value, elements }: z.infer<typeof Cell>): string {
  if (type === 'rich_text') return elements.map((element) => richText(element)).join(' ');
  return text ?? (value === undefined ? '' : String(value));
}

function richText(element: unknown): string {
  const { type, elements } = RichElement.parse(element);
  if (type === 'rich_text_list') return elements.map((item) => `  • ${richText(item)}`).join('\n');
  const text = elements.map((leaf) => leafText(leaf)).join('');
  return type === 'rich_text_preformatted' ? text.replaceAll(/^/gm, '    ') : text;
}

function leafText(element: unknown): string {
  const leaf = Leaf.parse(element);
  const id = leaf.user_id ?? leaf.usergroup_id;
  if (id !== undefined) return `@${id}`;
  return unescape(leaf.text ?? leaf.url ?? leaf.fallback ?? '');
}

function buttonText(element: unknown): string {
  return z.looseObject({ text: Text.optional() }).parse(element).text?.text ?? 'menu';
}

function chartText({ title, chart }: Block): string {
  const bars = [...'▁▂▃▄▅▆▇█'.matchAll(/./gu)].map(([bar]) => bar);
  const lines = (chart?.series ?? []).map(({ name, data }) => {
    const top = Math.max(1, ...data.map(({ value }) => value));
    const line = data.map(({ value }) => bars[Math.round((value / top) * (bars.length - 1))]);
    return `  ${line.join('')} ${name}`;
  });
  return [titleOf({ title }), ...lines].join('\n');
}

function titleOf({ title }: Pick<Block, 'title'>): string {
  return typeof title === 'string' ? title : (title?.text ?? '');
}

function unescape(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}
