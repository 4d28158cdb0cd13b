import { z } from 'zod';
import type { SlackMessage } from '../slack/workspace.ts';

const Cell = z.looseObject({ text: z.string().optional(), value: z.number().optional() });
const Table = z.looseObject({ type: z.literal('table'), rows: z.array(z.array(Cell)) });

/** The first active session of one of these applications in a message's table: the list begins with the oldest. */
export function readPid(
  { blocks = [] }: SlackMessage,
  applications: readonly string[],
): number | undefined {
  const table = blocks.map((block) => Table.safeParse(block)).find(({ success }) => success)?.data;
  const [head = [], ...rows] = table?.rows ?? [];
  const titles = head.map(toText);
  const cell = (row: z.infer<typeof Cell>[], title: string): string =>
    toText(row[titles.indexOf(title)]);
  const found = rows.find(
    (row) => cell(row, 'State') === 'active' && applications.includes(cell(row, 'Application')),
  );
  return found === undefined ? undefined : Number(cell(found, 'PID'));
}

function toText(cell: z.infer<typeof Cell> | undefined): string {
  return cell?.text ?? String(cell?.value ?? '');
}
