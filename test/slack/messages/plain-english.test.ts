import { describe, expect, test } from 'vitest';
import type { Message } from '../../../src/slack/messages/kit/message.ts';
import { saidOfLooks } from '../../record/fixtures/looks.ts';
import { faultsOfText } from '../../support/plain-english.ts';

interface Said {
  readonly slack: Readonly<Record<string, Message>>;
  readonly terminal: Readonly<Record<string, readonly string[]>>;
  readonly prevention?: { readonly slack: Message; readonly terminal: readonly string[] };
}

const nights = Object.entries(saidOfLooks()).filter(
  (entry): entry is [string, Said] => 'slack' in (entry[1] as object),
);

/** What a block says: a line for each paragraph, point and cell; code in backticks, dates as Slack has them. */
function proseOf(node: unknown): string {
  if (Array.isArray(node)) return node.map(proseOf).join('\n');
  if (typeof node !== 'object' || node === null) return '';
  if ('type' in node && node.type === 'rich_text_section' && 'elements' in node) {
    return (node.elements as readonly unknown[]).map(leafOf).join('');
  }
  // Cells hold figures, names and statements; only their heads are dbconn's own words.
  if ('rows' in node && Array.isArray(node.rows)) return proseOf(node.rows[0]);
  if ('text' in node && typeof node.text === 'string') return node.text;
  return Object.values(node).map(proseOf).join('\n');
}

function leafOf(leaf: unknown): string {
  const { type, text, style, timestamp } = leaf as {
    readonly type: string;
    readonly text?: string;
    readonly style?: { readonly code?: boolean };
    readonly timestamp?: number;
  };
  if (type === 'date') return `<!date^${timestamp ?? 0}>`;
  return style?.code === true ? `\`${text ?? ''}\`` : (text ?? '');
}

describe.for(nights)('of %s', ([, said]) => {
  const { prevention } = said;
  const slack = { ...said.slack, ...(prevention && { prevention: prevention.slack }) };
  const terminal = { ...said.terminal, ...(prevention && { prevention: prevention.terminal }) };

  test.for(Object.entries(slack))('Slack’s %s reads as plain English', ([, message]) => {
    expect(faultsOfText(`${message.text}\n${proseOf(message.blocks)}`)).toEqual([]);
  });

  test.for(Object.entries(terminal))('the terminal’s %s reads as plain English', ([, lines]) => {
    expect(faultsOfText(lines.join('\n'))).toEqual([]);
  });

  test.for(Object.entries(slack))('Slack’s %s has no clock but the reader’s own', ([, message]) => {
    expect(`${message.text}\n${proseOf(message.blocks)}`).not.toMatch(/\d\d:\d\d|UTC/);
  });
});
