import type { Diagnosis } from '../../runbook/diagnose/diagnosis.ts';
import { count, toAge } from '../../runbook/snapshot/words.ts';
import { framed } from './frame.ts';
import type { View } from './frame.ts';
import type { Message, MessageBlock } from './kit/message.ts';
import { plain, titledList } from './kit/rich-text.ts';
import { table } from './kit/table.ts';

interface LogRow {
  readonly container: string;
  readonly class: string;
  readonly count: number;
  readonly lastAt: string | null;
  readonly example: string;
}

/** What the logs say about connections, most frequent first. */
export function logsMessage(view: View): Message {
  const { diagnosis } = view;
  const summary = summaryOf(diagnosis);
  return framed(view, { lead: 'Logs of', summary }, [
    ...logTable(diagnosis),
    ...containersList(diagnosis),
  ]);
}

function summaryOf({ logs }: Diagnosis): string {
  if (logs.length === 0) return 'No log was read. /dbconn doctor shows why.';
  const kinds = logs.flatMap(({ classes }) => classes).length;
  const found = kinds === 0 ? 'nothing' : count(kinds, 'kind of message', 'kinds of messages');
  return `${count(logs.length, 'container')} read: ${found} about connections.`;
}

function containersList({ logs }: Diagnosis): MessageBlock[] {
  return titledList(
    'Read',
    logs.map(({ container, linesRead }) => [
      plain(`${container}: last ${count(linesRead, 'line')}`),
    ]),
  );
}

/** `3 min ago`: a table has no clock of the reader's own zone. */
function ago(at: string | null, now: string): string | null {
  return at === null ? null : `${toAge((Date.parse(now) - Date.parse(at)) / 1_000)} ago`;
}

function logTable({ logs, takenAt }: Diagnosis): MessageBlock[] {
  const rows = logs
    .flatMap(({ container, classes }) => classes.map((entry): LogRow => ({ container, ...entry })))
    .toSorted((a, b) => b.count - a.count);
  return table<LogRow>({
    columns: [
      { title: 'Container', value: ({ container }) => container },
      { title: 'What', value: (row) => row.class },
      { title: 'Lines', value: (row) => row.count },
      { title: 'Last', value: ({ lastAt }) => ago(lastAt, takenAt) },
      { title: 'Example', value: ({ example }) => example, max: 200, wrapped: true },
    ],
    rows,
    atMost: 15,
    noun: 'kinds of messages',
  });
}
