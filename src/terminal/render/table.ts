import Table from 'cli-table3';
import { cleanUntrusted } from '../../runbook/snapshot/redaction/redact-text.ts';
import { sum } from '../../runbook/snapshot/words.ts';
import { currentScreen, shown } from './layout.ts';

export interface Column {
  readonly title: string;
  /** What it needs on a hundred columns. Where there is less, text shrinks down to half of it. */
  readonly width: number;
  readonly align?: 'left' | 'right';
  /** On a screen that is too narrow for all of them the columns with 1 go first, then those with 2. */
  readonly drop?: number;
  /** Its cells are lists: they are cut between two items, for half a pid is another pid. */
  readonly isList?: boolean;
}

type Cell = string | number | null;

const bare = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '  ',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '',
};

/**
 * A table without rules, as wide as what is in it and never wider than the screen: columns shrink, then go. Text from
 * elsewhere is cleaned of control characters.
 */
export function toTable(columns: readonly Column[], rows: readonly (readonly Cell[])[]): string {
  const { width, isAscii } = currentScreen();
  const cells = rows.map((row) => row.map(toCell));
  const fitted = fit(columns, cells, width - bare.left.length);
  const table = new Table({
    head: fitted.map(({ title }) => title),
    colWidths: fitted.map(({ width }) => width),
    colAligns: fitted.map(({ align }) => align),
    chars: bare,
    truncate: isAscii ? '~' : '…',
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 1 },
  });
  table.push(
    ...cells.map((row) =>
      fitted.map(({ index, isList, width }) => {
        const cell = row[index] ?? '';
        return isList ? cutList(cell, width - 1) : cell;
      }),
    ),
  );
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

function toCell(cell: Cell): string {
  if (cell === null) return shown('–');
  return typeof cell === 'number' ? String(cell) : shown(cleanUntrusted(cell, 200));
}

/** As many items as fit, and a sign that there are more; where that does not fit either, the first alone. */
function cutList(cell: string, room: number): string {
  const items = cell.split(', ');
  if (cell.length <= room || items.length === 1) return cell;
  const more = shown('…');
  const kept = items.findLastIndex(
    (_, index) => `${items.slice(0, index).join(', ')}, ${more}`.length <= room,
  );
  return kept < 1 ? (items[0] ?? '') : `${items.slice(0, kept).join(', ')}, ${more}`;
}

interface Fitted {
  readonly index: number;
  readonly title: string;
  readonly align: 'left' | 'right';
  readonly drop: number;
  readonly isList: boolean;
  readonly usual: number;
  readonly least: number;
  width: number;
}

/** `idle` for `idle in transaction` would be another state, and a figure without a digit another figure. */
const shortest = 12;

/** Only text that is no short word shrinks: first what is longer than usual. */
function fit(
  columns: readonly Column[],
  cells: readonly (readonly string[])[],
  room: number,
): Fitted[] {
  let fitted = columns.map(
    ({ title, width: usual, align = 'left', drop, isList = false }, index): Fitted => {
      const width = Math.max(title.length, ...cells.map((row) => row[index]?.length ?? 0)) + 1;
      const first = cells.map((row) => (row[index] ?? '').split(', ')[0]?.length ?? 0);
      const item = isList ? Math.max(0, ...first) + 1 : 0;
      const half = Math.max(title.length + 1, Math.ceil(usual / 2), item);
      const isWhole = align === 'right' || width <= shortest;
      const least = isWhole ? width : Math.min(width, half);
      return { index, title, align, drop: drop ?? Infinity, isList, usual, least, width };
    },
  );
  while (sum(fitted.map(({ least }) => least)) > room) {
    const next = Math.min(...fitted.map(({ drop }) => drop));
    if (next === Infinity) break;
    fitted = fitted.filter(({ drop }) => drop !== next);
  }
  for (let over = sum(fitted.map(({ width }) => width)) - room; over > 0; over -= 1) {
    const shrinking =
      widest(fitted.filter(({ width, usual, least }) => width > Math.max(usual, least))) ??
      widest(fitted.filter(({ width, least }) => width > least));
    if (shrinking === undefined) break;
    shrinking.width -= 1;
  }
  return fitted;
}

function widest(columns: readonly Fitted[]): Fitted | undefined {
  return columns.toSorted((a, b) => b.width - a.width)[0];
}
