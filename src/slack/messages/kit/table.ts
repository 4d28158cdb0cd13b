import type { TableBlock } from '@slack/types';
import { cleanUntrusted } from '../../../runbook/snapshot/redaction/redact-text.ts';
import { slackLimits, smallPrint } from './message.ts';
import type { MessageBlock } from './message.ts';

type Cell = TableBlock['rows'][number][number];

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string | number | null;
  /** Characters of a text cell; 40 unless told. */
  readonly max?: number;
  /** Wraps long text instead of cutting it at the column's edge. */
  readonly wrapped?: boolean;
}

interface TableOptions<Row> {
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  /** Rows to show, header not counted. */
  readonly atMost: number;
  /** How many there are altogether, when `rows` is already cut. */
  readonly total?: number;
  /** What a row is, for `and 12 more sources`. */
  readonly noun: string;
}

/**
 * A native table, and a line that says how many rows it leaves out. Cells are raw text or raw numbers,
 * which Slack never interprets. Rows are left out from the end where the message would grow too long.
 */
export function table<Row>(options: TableOptions<Row>): MessageBlock[] {
  const { columns, rows, atMost, noun } = options;
  if (rows.length === 0) return [];
  const head = columns.map(({ title }) => textCell(title, 40));
  const body = fit(
    rows.slice(0, Math.min(atMost, slackLimits.tableRows - 1)).map((row) => toCells(columns, row)),
    slackLimits.tableCharacters - charactersOf(head),
  );
  const block: TableBlock = {
    type: 'table',
    rows: [head, ...body],
    column_settings: columns.map(({ wrapped }, column) => ({
      align: isNumeric(body, column) ? 'right' : 'left',
      is_wrapped: wrapped ?? false,
    })),
  };
  const more = (options.total ?? rows.length) - body.length;
  return [block, ...smallPrint(more > 0 ? [`and ${more} more ${noun}`] : [])];
}

function toCells<Row>(columns: readonly Column<Row>[], row: Row): Cell[] {
  return columns.map(({ value, max = 40 }) => {
    const content = value(row);
    if (typeof content !== 'number') return textCell(content ?? '', max);
    // A figure Slack cannot hold as a number would make it refuse the whole message.
    return Number.isFinite(content)
      ? { type: 'raw_number', value: content, text: String(content) }
      : textCell('', max);
  });
}

function textCell(text: string, max: number): Cell {
  const cleaned = cleanUntrusted(text, max);
  return { type: 'raw_text', text: cleaned.trim() === '' ? '–' : cleaned };
}

/** As many leading rows as fit into the characters. */
function fit(rows: readonly Cell[][], characters: number): Cell[][] {
  let left = characters;
  const fitting: Cell[][] = [];
  for (const row of rows) {
    left -= charactersOf(row);
    if (left < 0) break;
    fitting.push(row);
  }
  return fitting;
}

function charactersOf(cells: readonly Cell[]): number {
  return cells.reduce((sum, cell) => sum + ('text' in cell ? cell.text.length : 0), 0);
}

function isNumeric(rows: readonly Cell[][], column: number): boolean {
  return rows.some((row) => row[column]?.type === 'raw_number');
}
