import Table from 'cli-table3';
import { cleanUntrusted } from '../../runbook/snapshot/redaction/redact-text.ts';
import { percent } from '../../runbook/snapshot/words.ts';

/** What terminals of monitoring hosts still have. */
const lineWidth = 100;

export type Tone = 'bold' | 'dim' | 'red' | 'yellow' | 'green';

/** Colours a text, or leaves it alone where nobody sees colours. */
export type Paint = (tone: Tone, text: string) => string;

export interface Column {
  readonly title: string;
  readonly width: number;
  readonly align?: 'left' | 'right';
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

/** A table without rules that fits its columns; text from elsewhere is cleaned of control characters. */
export function toTable(columns: readonly Column[], rows: readonly (readonly Cell[])[]): string {
  const table = new Table({
    head: columns.map(({ title }) => title),
    colWidths: columns.map(({ width }) => width),
    colAligns: columns.map(({ align }) => align ?? 'left'),
    chars: bare,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 1 },
  });
  table.push(...rows.map((row) => row.map(toCell)));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

function toCell(cell: Cell): string {
  if (cell === null) return '–';
  return typeof cell === 'number' ? String(cell) : cleanUntrusted(cell, 200);
}

/** What is typed after `/dbconn` in Slack and after `dbconn` here; `go`, `escalate` and incidents are Slack's. */
const slackWords =
  /\/dbconn (?=(?:status|sources|sessions|idle|blocking|pool|logs|doctor|history|prevention|propose|kill)\b)/g;

/** Breaks a sentence at spaces so that every line fits, continued lines indented like the first. */
export function wrap(text: string, indent = ''): string {
  const lines: string[] = [];
  let line = indent;
  for (const word of cleanUntrusted(text, 2000).replaceAll(slackWords, 'dbconn ').split(' ')) {
    const longer = line === indent ? line + word : `${line} ${word}`;
    if (longer.length > lineWidth && line !== indent) {
      lines.push(line);
      line = indent + word;
    } else {
      line = longer;
    }
  }
  return [...lines, line].join('\n');
}

export function toPercent(share: number | null): string {
  return share === null ? '–' : percent(share);
}
