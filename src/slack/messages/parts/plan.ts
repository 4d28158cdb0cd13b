import type { Request } from '../../../runbook/approval/request.ts';
import { toAge } from '../../../runbook/diagnose/words.ts';
import type { Plan } from '../../../runbook/remedies/plan.ts';
import type { ReplicaTarget } from '../../../runbook/remedies/targets/replica.ts';
import type { SessionTarget } from '../../../runbook/remedies/targets/session.ts';
import { take } from '../../limits.ts';
import type { MessageBlock } from './message.ts';
import { between, bold, code, paragraph, plain, richText, titledList } from './rich-text.ts';
import type { Leaf } from './rich-text.ts';
import { table } from './table.ts';
import type { Column } from './table.ts';

/** Targets shown on the card itself; more stand in its thread. */
export const targetsOnCard = 12;
/** What surely fits into one message's table, though every name be as long as can be. */
const listed = { atMost: 30, statement: 40 };

const sessionColumns = (statement: number): readonly Column<SessionTarget>[] => [
  { title: 'PID', value: ({ identity }) => String(identity.pid) },
  { title: 'User', value: ({ identity }) => identity.user, max: 24 },
  { title: 'Application', value: ({ identity }) => identity.application, max: 32 },
  { title: 'State', value: ({ identity }) => identity.state },
  { title: 'In this state', value: ({ idleSeconds }) => toAge(idleSeconds) },
  { title: 'Transaction', value: ({ transactionAgeSeconds }) => toAge(transactionAgeSeconds) },
  { title: 'Wrote', value: ({ hasWritten }) => (hasWritten ? 'yes' : 'no') },
  { title: 'Last statement', value: ({ query }) => query, max: statement, wrapped: true },
];

const replicaColumns: readonly Column<ReplicaTarget>[] = [
  { title: 'Container', value: ({ name }) => name, max: 60 },
  { title: 'State', value: ({ state }) => state },
  { title: 'Health', value: ({ health }) => health },
  { title: 'Connections', value: ({ connections }) => connections ?? 'not known' },
];

interface Cut {
  readonly atMost: number;
  readonly statement: number;
}

function targetsTable(targets: Plan['targets'], { atMost, statement }: Cut): MessageBlock[] {
  const sessions = targets.filter((target) => target.kind === 'session');
  const replicas = targets.filter((target) => target.kind === 'replica');
  return [
    ...table({
      columns: sessionColumns(statement),
      rows: sessions,
      atMost,
      noun: 'sessions, listed in the thread',
    }),
    ...table({
      columns: replicaColumns,
      rows: replicas,
      atMost,
      noun: 'containers, listed in the thread',
    }),
  ];
}

/** The exact targets, as many as a card bears. */
export function targetsOf({ plan }: Request): MessageBlock[] {
  return targetsTable(plan.targets, { atMost: targetsOnCard, statement: 120 });
}

/** All targets in parts, for the thread; nothing where the card shows them all. */
export function allTargets({ plan }: Request): readonly MessageBlock[][] {
  const { targets } = plan;
  if (targets.length <= targetsOnCard) return [];
  const { atMost } = listed;
  return Array.from({ length: Math.ceil(targets.length / atMost) }, (_, index) =>
    targetsTable(targets.slice(index * atMost, (index + 1) * atMost), listed),
  );
}

/** What is left alone although it looks like a target, by reason, with some names. */
export function sparedList({ spared, sparedTotal }: Plan): MessageBlock[] {
  if (sparedTotal === 0) return [];
  const groups = [...Map.groupBy(spared, ({ reason }) => reason)].map(([reason, alike]): Leaf[] => {
    const { taken, more } = take(alike, 4);
    const names = taken.flatMap(({ what, label }, index) => [
      ...(index === 0 ? [] : [between(', ')]),
      plain(what),
      ...(label === '' ? [] : [between(' '), code(label, 40)]),
    ]);
    return [
      bold(`${alike.length}:`),
      between(' '),
      plain(reason),
      between(' ('),
      ...names,
      between(more > 0 ? ` and ${more} more)` : ')'),
    ];
  });
  const untold = sparedTotal - spared.length;
  if (untold > 0) groups.push([plain(`${untold} more, not listed one by one`)]);
  return titledList(`Spared: ${sparedTotal}`, groups);
}

/** What it is about, and what it costs and brings. */
export function bargain({ subject, cost, frees, undo, risk }: Plan): MessageBlock[] {
  const points: Leaf[][] = [
    [bold('Brings:'), between(' '), plain(frees.sentence)],
    ...cost.map((line) => [bold('Costs:'), between(' '), plain(line)]),
    [bold('Undo:'), between(' '), plain(undo)],
    [bold('Risk:'), between(' '), plain(risk)],
  ];
  return [
    ...(subject === null
      ? []
      : [richText(paragraph(bold('About:'), between(' '), code(subject, 63)))]),
    ...titledList('What it costs and brings', points),
  ];
}
