import type { Block, ContainerBlock, KnownBlock, PlainTextElement } from '@slack/types';
import { cleanUntrusted } from '../../../runbook/snapshot/redaction/redact-text.ts';
import { isOwnBlock } from './action-ids.ts';

/**
 * Every limit of Slack that dbconn meets, as Slack documents them (Block Kit reference, chat.postMessage).
 * Slack refuses a whole message for one character too many, so builders cut here and nowhere else.
 */
export const slackLimits = {
  blocksPerMessage: 50,
  headerCharacters: 150,
  containerTitleCharacters: 150,
  containerBlocks: 10,
  plainTextCharacters: 3000,
  contextElements: 10,
  tableRows: 100,
  tableColumns: 20,
  /** Summed over all tables of a message; a message may hold one table. */
  tableCharacters: 10_000,
  chartTitleCharacters: 50,
  chartPoints: 20,
  chartNameCharacters: 20,
  chartAxisCharacters: 50,
  /** `text` next to blocks: chat.update refuses more. */
  messageTextCharacters: 4000,
  urlCharacters: 3000,
  buttonCharacters: 75,
  confirmCharacters: 300,
  confirmTitleCharacters: 100,
  confirmButtonCharacters: 30,
  modalTitleCharacters: 24,
  inputCharacters: 3000,
  selectOptions: 100,
  optionCharacters: 75,
} as const;

/** Bounds that Slack does not state but a phone does: a message nobody scrolls through helps nobody. */
export const ownLimits = {
  leafCharacters: 600,
  preformattedCharacters: 3000,
  listItems: 20,
} as const;

/**
 * Cuts a text to at most `max` characters, never through a surrogate pair, and shows the cut by `…`.
 * Counts UTF-16 units, the larger of the two measures, because Slack does not say which one it uses.
 */
export function truncate(text: string, max: number): string {
  if (text.length <= max) return text;
  let cut = '';
  for (const character of text) {
    if (cut.length + character.length > max - 1) break;
    cut += character;
  }
  return `${cut.trimEnd()}…`;
}

/** The first items, and how many were left out. */
export function take<T>(items: readonly T[], max: number): { taken: readonly T[]; more: number } {
  return { taken: items.slice(0, max), more: Math.max(0, items.length - max) };
}

/** A line chart. The typed Block Kit of @slack/types 3.2 has no such block yet. */
export interface ChartBlock extends Block {
  readonly type: 'data_visualization';
  readonly title: string;
  readonly chart: {
    readonly type: 'line';
    readonly series: readonly {
      readonly name: string;
      readonly data: readonly { readonly label: string; readonly value: number }[];
    }[];
    readonly axis_config: {
      readonly categories: readonly string[];
      readonly x_label: string;
      readonly y_label: string;
    };
  };
}

export type MessageBlock = KnownBlock | ChartBlock;

/** What is sent to Slack. `text` is what screen readers and notifications say instead of the blocks. */
export interface Message {
  readonly text: string;
  readonly blocks: readonly MessageBlock[];
}

/**
 * Puts a message together within Slack's limits. Slack parses `text` as mrkdwn, so it must be built from
 * figures and configured names alone; escaping is the second fence, not the first.
 */
export function toMessage(text: string, blocks: readonly MessageBlock[]): Message {
  const line = escapeMrkdwn(cleanUntrusted(text, slackLimits.messageTextCharacters / 4));
  return {
    text: truncate(line, slackLimits.messageTextCharacters),
    blocks: withOwnIds(blocks.slice(0, slackLimits.blocksPerMessage)),
  };
}

/** Slack wants another block_id whenever a message changes: a sum over what it shows goes behind each of ours. */
function withOwnIds(blocks: readonly MessageBlock[]): readonly MessageBlock[] {
  if (!blocks.some(({ block_id: id }) => isOwnBlock(id))) return blocks;
  const sum = checksum(JSON.stringify(blocks));
  return blocks.map((block) =>
    isOwnBlock(block.block_id) ? { ...block, block_id: `${block.block_id}.${sum}` } : block,
  );
}

/** FNV-1a, 32 bits: not against anybody, only to tell two versions of one message apart. */
function checksum(text: string): string {
  let sum = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    sum = Math.imul(sum ^ text.charCodeAt(at), 0x01000193) >>> 0;
  }
  return sum.toString(36);
}

/** Slack's three characters, and no other: anything more would be shown as typed. */
export function escapeMrkdwn(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Text that Slack shows as it is. */
export function plainText(text: string, max: number): PlainTextElement {
  return { type: 'plain_text', text: truncate(text, max), emoji: false };
}

/** A header of at most 150 characters; Slack shows it literally. */
export function header(text: string): KnownBlock {
  return {
    type: 'header',
    text: plainText(cleanUntrusted(text, 300), slackLimits.headerCharacters),
  };
}

/** Small grey lines below a message; Slack shows them literally. */
export function smallPrint(lines: readonly string[]): KnownBlock[] {
  const elements = lines
    .map((line) => plainText(cleanUntrusted(line, 600), slackLimits.plainTextCharacters))
    .filter(({ text }) => text !== '')
    .slice(0, slackLimits.contextElements);
  return elements.length === 0 ? [] : [{ type: 'context', elements }];
}

/** A fold takes no charts, and no fold (Slack documentation, container block). */
function fitsFold(block: MessageBlock): block is FoldedBlock {
  return ['context', 'divider', 'header', 'rich_text', 'section', 'table'].includes(block.type);
}

type FoldedBlock = ContainerBlock['child_blocks'][number];

interface Fold {
  /** The same for each version of a message, so that what somebody unfolded can stay open when it is edited. */
  readonly id: string;
  /** Words of dbconn's own. */
  readonly title: string;
}

/** Blocks behind a line that unfolds them; nothing where there are none. */
export function folded({ id, title }: Fold, blocks: readonly MessageBlock[]): MessageBlock[] {
  if (blocks.length === 0) return [];
  return [
    {
      type: 'container',
      block_id: id,
      title: plainText(title, slackLimits.containerTitleCharacters),
      child_blocks: blocks.filter(fitsFold).slice(0, slackLimits.containerBlocks),
      is_collapsible: true,
      default_collapsed: true,
    },
  ];
}
