import { descriptions, incidentUsages, proposalUsages } from '../../runbook/commands/words.ts';
import type { Check } from '../../runbook/diagnose/doctor.ts';
import { sentence, topic } from './diagnosis-parts.ts';
import { header, ownLimits, take, toMessage } from './kit/message.ts';
import type { Message } from './kit/message.ts';
import { bold, code, rich } from './kit/rich-text.ts';
import type { Leaf } from './kit/rich-text.ts';

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
    ...rich`${bold(`${subject}:`)} ${summary}`,
    ...(fix === undefined ? [] : rich`\n${code(fix)}`),
  ];
}

function chunk<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

/** The words of `/dbconn`, what was wrong with the one typed, and the targets it knows. */
export function helpMessage(targets: readonly string[], problem?: string): Message {
  const words = Object.entries(descriptions).map(
    ([word, description]): Leaf[] => rich`${code(`/dbconn ${word}`)} ${description}`,
  );
  const { taken, more } = take(targets, 20);
  const names = `${taken.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  return toMessage(problem ?? 'What you can type after /dbconn', [
    ...(problem === undefined ? [] : [sentence(problem)]),
    topic('A word, and after it a target where there are several', words),
    topic(
      'What can be proposed, and where several targets are, its target at the end',
      proposalUsages.map(toLeaves),
    ),
    topic('What can be done with an incident', incidentUsages.map(toLeaves)),
    sentence(`Targets: ${names === '' ? 'none' : names}`),
  ]);
}

function toLeaves([usage, what]: readonly [usage: string, what: string]): Leaf[] {
  return rich`${code(`/dbconn ${usage}`)} ${what}`;
}
