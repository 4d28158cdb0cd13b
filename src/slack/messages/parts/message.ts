import type { Block, KnownBlock } from '@slack/types';
import { cleanUntrusted } from '../../../runbook/diagnose/untrusted.ts';
import { slackLimits, truncate } from '../../limits.ts';

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
    blocks: blocks.slice(0, slackLimits.blocksPerMessage),
  };
}

/** Slack's three characters, and no other: anything more would be shown as typed. */
function escapeMrkdwn(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** A header of at most 150 characters; Slack shows it literally. */
export function header(text: string): KnownBlock {
  const line = truncate(cleanUntrusted(text, 300), slackLimits.headerCharacters);
  return { type: 'header', text: { type: 'plain_text', text: line, emoji: false } };
}

/** Small grey lines below a message; Slack shows them literally. */
export function smallPrint(lines: readonly string[]): KnownBlock[] {
  const elements = lines
    .map((line) => truncate(cleanUntrusted(line, 600), slackLimits.plainTextCharacters))
    .filter((line) => line !== '')
    .slice(0, slackLimits.contextElements)
    .map((text) => ({ type: 'plain_text' as const, text, emoji: false }));
  return elements.length === 0 ? [] : [{ type: 'context', elements }];
}
