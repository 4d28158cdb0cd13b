import type { SlackMessage } from '../message-text.ts';
import { toText } from '../message-text.ts';

/** What each part of a card begins with; the list of targets and the small print are left to the page. */
const shown = /^(?: *• Proposed by|Steps|Not as planned|⛔|⏳|🚨|Next:)/;

/** A request's card without its tables: title, steps and what became of it. */
export function cardText({ blocks = [] }: SlackMessage): string {
  const parts = blocks.map((block) => toText({ blocks: [block] }));
  const [title = '', ...rest] = parts;
  const buttons = blocks.flatMap((block, index) => (isActions(block) ? [parts[index] ?? ''] : []));
  return [title, ...rest.filter((text) => shown.test(text)), ...buttons].join('\n');
}

function isActions(block: unknown): boolean {
  return typeof block === 'object' && block !== null && 'type' in block && block.type === 'actions';
}
