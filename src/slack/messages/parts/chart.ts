import type { Diagnosis } from '../../../runbook/diagnose/diagnosis.ts';
import { slackLimits } from '../../limits.ts';
import type { MessageBlock } from './message.ts';
import { toClock } from './words.ts';

/** Fewer than three points draw a line that says nothing. */
const pointsNeeded = 3;

/** The recent looks as a line of used connections under a line of usable ones. */
export function historyChart({ history, target }: Diagnosis): MessageBlock[] {
  const points = thin(history, slackLimits.chartPoints);
  if (points.length < pointsNeeded) return [];
  const labels = points.map(({ at }) => toClock(at));
  // Slack wants one category per point and refuses a name it has had before.
  if (new Set(labels).size < labels.length) return [];
  const line = (name: string, value: (point: (typeof points)[number]) => number) => ({
    name,
    data: points.map((point, index) => ({ label: labels[index] ?? '', value: value(point) })),
  });
  return [
    {
      type: 'data_visualization',
      title: `Connections of ${target}`.slice(0, slackLimits.chartTitleCharacters),
      chart: {
        type: 'line',
        series: [line('used', ({ used }) => used), line('usable', ({ usable }) => usable)],
        axis_config: { categories: labels, x_label: 'time, UTC', y_label: 'connections' },
      },
    },
  ];
}

/** Evenly chosen points, first and last always among them. */
function thin<T>(items: readonly T[], max: number): T[] {
  if (items.length <= max) return [...items];
  const step = (items.length - 1) / (max - 1);
  return Array.from({ length: max }, (_, index) => items[Math.round(index * step)]).filter(
    (item) => item !== undefined,
  );
}
