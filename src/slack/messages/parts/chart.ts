import type { Diagnosis } from '../../../runbook/diagnose/diagnosis.ts';
import { slackLimits } from '../../limits.ts';
import type { MessageBlock } from './message.ts';
import { toClock } from './words.ts';

/** Fewer than three points draw a line that says nothing. */
const pointsNeeded = 3;

/** The recent looks as a line of used connections under a line of usable ones. */
export function historyChart({
  history,
  target,
}: Pick<Diagnosis, 'target'> & {
  readonly history: Readonly<Diagnosis['history']>;
}): MessageBlock[] {
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

/**
 * Points evenly chosen in time, first and last always among them: the looks themselves stand closer together in the
 * last minutes than before, and Slack draws all points the same distance apart.
 */
function thin<T extends { readonly at: string }>(items: readonly T[], max: number): T[] {
  if (items.length <= max) return [...items];
  const times = items.map(({ at }) => Date.parse(at));
  const [first = 0, last = 0] = [times[0], times.at(-1)];
  const chosen = Array.from({ length: max }, (_, index) =>
    nearest(times, first + ((last - first) * index) / (max - 1)),
  );
  return [...new Set(chosen)].map((index) => items[index]).filter((item) => item !== undefined);
}

function nearest(times: readonly number[], to: number): number {
  return times.reduce(
    (best, time, index) =>
      Math.abs(time - to) < Math.abs((times[best] ?? Infinity) - to) ? index : best,
    0,
  );
}
