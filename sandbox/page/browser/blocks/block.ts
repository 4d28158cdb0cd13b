import type {
  ActionsBlock,
  ContainerBlock,
  ContextBlock,
  HeaderBlock,
  InputBlock,
  RawTextElement,
  RichTextBlock,
  SectionBlock,
} from '@slack/types';

/** The blocks this page draws: those that dbconn sends, and sections. */
export type PageBlock =
  | ActionsBlock
  | ContainerBlock
  | ContextBlock
  | DataVisualizationBlock
  | HeaderBlock
  | InputBlock
  | RichTextBlock
  | SectionBlock
  | TableBlock;

/** Slack's own types know neither charts nor a number cell without text, nor `null` settings. */
export interface DataVisualizationBlock {
  readonly type: 'data_visualization';
  readonly block_id?: string;
  readonly title: string;
  readonly chart: LineChart;
}

export interface LineChart {
  readonly type: 'line';
  readonly series: readonly {
    readonly name: string;
    readonly data: readonly { readonly label: string; readonly value: number }[];
  }[];
  readonly axis_config: {
    readonly categories: readonly string[];
    readonly x_label?: string;
    readonly y_label?: string;
  };
}

export interface TableBlock {
  readonly type: 'table';
  readonly block_id?: string;
  readonly rows: readonly (readonly TableCell[])[];
  readonly column_settings?: readonly (ColumnSettings | null)[];
}

export type TableCell =
  | RichTextBlock
  | RawTextElement
  | { readonly type: 'raw_number'; readonly value: number; readonly text?: string };

export interface ColumnSettings {
  readonly align?: 'left' | 'center' | 'right';
  readonly is_wrapped?: boolean;
}

const BLOCK_TYPES: ReadonlySet<string> = new Set<PageBlock['type']>([
  'actions',
  'container',
  'context',
  'data_visualization',
  'header',
  'input',
  'rich_text',
  'section',
  'table',
]);

/**
 * Only the type is looked at: the local Slack has refused every block whose shape breaks one of
 * Slack's rules, and a second copy of those rules here would only drift from the first.
 */
export function isPageBlock(block: { readonly type: string }): block is PageBlock {
  return BLOCK_TYPES.has(block.type);
}
