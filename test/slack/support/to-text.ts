import type { Message, MessageBlock } from '../../../src/slack/messages/kit/message.ts';

/** Everything a reader sees of a message's blocks, one block a line; tables row by row. */
export function toText({ blocks }: Pick<Message, 'blocks'>): string {
  return blocks.map(blockText).join('\n');
}

/** One block, also as a Slack gives it back. */
export function blockText(block: MessageBlock | Readonly<Record<string, unknown>>): string {
  if ('child_blocks' in block && Array.isArray(block.child_blocks)) {
    return [leaves(block.title), ...block.child_blocks.map(blockText)].join('\n');
  }
  if (!('rows' in block) || !Array.isArray(block.rows)) return leaves(block);
  return block.rows
    .map((row: unknown) => (Array.isArray(row) ? row.map(leaves).join(' | ') : ''))
    .join('\n');
}

function leaves(node: unknown): string {
  if (Array.isArray(node)) return node.map(leaves).join(' ');
  if (typeof node !== 'object' || node === null) return '';
  if ('text' in node && typeof node.text === 'string') return node.text;
  return Object.values(node).map(leaves).filter(Boolean).join(' ');
}
