import type { Plan } from '../../../runbook/remedies/plan.ts';
import { take } from '../../limits.ts';
import type { MessageBlock } from './message.ts';
import { between, bold, code, paragraph, plain, richText, titledList } from './rich-text.ts';
import type { Leaf } from './rich-text.ts';

/** What is left alone although it looks like a target, by reason, with some names. */
export function skippedList({ spared, sparedTotal }: Plan): MessageBlock[] {
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
export function costsAndBenefits({ subject, cost, frees, undo, risk }: Plan): MessageBlock[] {
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
