import type { TableBlock } from '@slack/types';
import { WebAPIPlatformError } from '@slack/web-api';
import { slackLimits } from './message.ts';
import type { ChartBlock, Message, MessageBlock } from './message.ts';
import { preformatted, richText } from './rich-text.ts';

/**
 * How much of Block Kit a workspace takes. Slack rolls new blocks out in phases and answers
 * `invalid_blocks` where they have not arrived, so every message can be said in plainer words.
 */
const dialects = [
  'full',
  'without-folds',
  'without-charts',
  'without-tables',
  'text-only',
] as const;
export type Dialect = (typeof dialects)[number];

interface Speech {
  readonly say: (message: Message) => Message;
  /** A dialect that changes nothing need not be tried: the same blocks would be refused again. */
  readonly changes: (message: Message) => boolean;
}

const speeches: Readonly<Record<Dialect, Speech>> = {
  full: { say: (message) => message, changes: () => true },
  'without-folds': {
    say: unfold,
    changes: (message) => has(message, 'container'),
  },
  'without-charts': {
    say: (message) => ({ ...message, blocks: unfold(message).blocks.map(drawChart) }),
    changes: (message) => has(message, 'data_visualization'),
  },
  'without-tables': {
    say: (message) => ({
      ...message,
      blocks: unfold(message).blocks.map(drawChart).map(drawTable),
    }),
    changes: (message) => has(unfold(message), 'table'),
  },
  'text-only': {
    say: ({ text }) => ({ text, blocks: [] }),
    changes: ({ blocks }) => blocks.length > 0,
  },
};

/**
 * The ways to say a message, richest first, from `richest` on. The first always says all it can in that
 * dialect; the later ones are those that make a difference to this message.
 */
export function fallbacksOf(
  message: Message,
  richest: Dialect,
): readonly { readonly dialect: Dialect; readonly message: Message }[] {
  return dialects
    .slice(dialects.indexOf(richest))
    .filter((dialect) => dialect === richest || speeches[dialect].changes(message))
    .map((dialect) => ({ dialect, message: speeches[dialect].say(message) }));
}

function has({ blocks }: Message, type: MessageBlock['type']): boolean {
  return blocks.some((block) => block.type === type);
}

/** What was folded away stands where its title was; what it is says itself. */
function unfold({ text, blocks }: Message): Message {
  const flat = blocks.flatMap((block) =>
    block.type === 'container' ? block.child_blocks : [block],
  );
  return { text, blocks: flat.slice(0, slackLimits.blocksPerMessage) };
}

/** A table as rows in a fixed-width font. */
export function drawTable(block: MessageBlock): MessageBlock {
  return block.type === 'table' ? richText(preformatted(toRows(block))) : block;
}

function toRows({ rows, column_settings = [] }: TableBlock): Parameters<typeof preformatted>[0] {
  return rows.map((row) =>
    row.map((cell, column) => ({
      text: cell.type === 'rich_text' ? '' : cell.text,
      align: column_settings[column]?.align === 'right' ? 'right' : 'left',
    })),
  );
}

function drawChart(block: MessageBlock): MessageBlock {
  return block.type === 'data_visualization' ? richText(preformatted(toSparkRows(block))) : block;
}

const bars = Array.from('▁▂▃▄▅▆▇█');

/** `used ▂▃▅▇ 40 to 94`, each series against the largest value of the chart. */
function toSparkRows({ chart }: ChartBlock): Parameters<typeof preformatted>[0] {
  const largest = Math.max(
    1,
    ...chart.series.flatMap(({ data }) => data.map(({ value }) => value)),
  );
  return chart.series.map(({ name, data }) => {
    const line = data.map(({ value }) => bars[Math.round((value / largest) * 7)] ?? '▁').join('');
    const range = `${data[0]?.value ?? 0} to ${data.at(-1)?.value ?? 0}`;
    return [name, line, range].map((text) => ({ text, align: 'left' as const }));
  });
}

export const blockErrors: ReadonlySet<string> = new Set([
  'invalid_blocks',
  'invalid_blocks_format',
  'msg_blocks_too_long',
]);

/** Whether Slack refused the blocks themselves: plainer ones may do. */
export function isAboutBlocks(error: unknown): error is WebAPIPlatformError {
  return error instanceof WebAPIPlatformError && blockErrors.has(error.data.error);
}

/** What a workspace was found to take: what it refuses need not be tried with every message. */
export interface KnownDialect {
  richest: Dialect;
}

/** Text alone is never remembered: a workspace without any blocks does not exist, a faulty message does. */
export function remember(known: KnownDialect, accepted: Dialect): void {
  if (accepted === 'text-only') return;
  if (dialects.indexOf(accepted) > dialects.indexOf(known.richest)) known.richest = accepted;
}

/** Sends a message in the richest words Slack takes, as far as that is known. Rejects as the last try does. */
export async function sayPlainer<T>(
  message: Message,
  known: KnownDialect,
  send: (message: Message) => Promise<T>,
): Promise<T> {
  let refused: unknown;
  for (const { dialect, message: variant } of fallbacksOf(message, known.richest)) {
    try {
      const answer = await send(variant);
      if (refused !== undefined) remember(known, dialect);
      return answer;
    } catch (error) {
      if (!isAboutBlocks(error)) throw error;
      refused = error;
    }
  }
  throw refused;
}
