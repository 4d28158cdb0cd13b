import type { Check } from '../../runbook/diagnose/doctor.ts';
import { ownLimits } from '../limits.ts';
import type { Message } from './parts/message.ts';
import { header, toMessage } from './parts/message.ts';
import { topic } from './parts/lists.ts';
import { between, bold, code, plain } from './parts/rich-text.ts';
import type { Leaf } from './parts/rich-text.ts';

/** Worst first: what lacks is what the reader came for. */
const states: readonly { readonly state: Check['state']; readonly title: string }[] = [
  { state: 'missing', title: 'Missing' },
  { state: 'warning', title: 'Worth mending' },
  { state: 'off', title: 'Not set up' },
  { state: 'ok', title: 'In order' },
];

/** What dbconn has and lacks, each lack with the command or setting that mends it. */
export function doctorMessage(target: string, checks: readonly Check[]): Message {
  const groups = states
    .map(({ state, title }) => ({
      title,
      members: checks.filter((check) => check.state === state),
    }))
    .filter(({ members }) => members.length > 0);
  const summary = groups
    .map(({ title, members }) => `${members.length} ${title.toLowerCase()}`)
    .join(', ');
  const line = `Doctor for ${target}: ${summary === '' ? 'nothing was checked' : summary}`;
  return toMessage(line, [
    header(line),
    ...groups.flatMap(({ title, members }) =>
      chunk(members, ownLimits.listItems).map((part) => topic(title, part.map(checkLeaves))),
    ),
  ]);
}

function checkLeaves({ subject, summary, fix }: Check): Leaf[] {
  return [
    bold(`${subject}:`),
    between(' '),
    plain(summary),
    ...(fix === undefined ? [] : [between('\n'), code(fix)]),
  ];
}

function chunk<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
