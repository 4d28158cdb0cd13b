import { element } from '../dom.ts';
import { renderRichText } from './render-rich-text.ts';
import type { Directory } from '../directory.ts';
import type { ColumnSettings, TableBlock, TableCell } from './block.ts';

/** Draws a table; its first row is the heading, as Slack shows it. */
export function renderTable(block: TableBlock, directory: Directory): HTMLElement {
  const settings = block.column_settings ?? [];
  const [head = [], ...body] = block.rows;
  function row(cells: readonly TableCell[], tag: 'th' | 'td'): HTMLElement {
    const drawn = cells.map((cell, column) => {
      const attributes = { class: classesOf(settings[column]), scope: tag === 'th' && 'col' };
      return element(tag, attributes, renderCell(cell, directory));
    });
    return element('tr', {}, ...drawn);
  }
  const table = element(
    'table',
    {},
    element('thead', {}, row(head, 'th')),
    element('tbody', {}, ...body.map((cells) => row(cells, 'td'))),
  );
  // A wide table scrolls by itself, also by keyboard; otherwise it would push the page sideways.
  return element('div', { tabindex: '0', role: 'group', 'aria-label': 'Table' }, table);
}

function renderCell(cell: TableCell, directory: Directory): Node {
  switch (cell.type) {
    case 'raw_text':
      return document.createTextNode(cell.text);
    case 'raw_number':
      return document.createTextNode(cell.text ?? String(cell.value));
    case 'rich_text':
      return renderRichText(cell, directory);
    default:
      return cell satisfies never;
  }
}

function classesOf(settings: ColumnSettings | null | undefined): string | undefined {
  const classes = [
    ...(settings?.align === undefined ? [] : [`align-${settings.align}`]),
    ...(settings?.is_wrapped === true ? ['wrapped'] : []),
  ];
  return classes.length === 0 ? undefined : classes.join(' ');
}
