import type { Cause, CauseName, Diagnosis } from '../../runbook/diagnose/diagnosis.ts';
import { describeNoCause } from '../../runbook/diagnose/headline.ts';
import { percent } from '../../runbook/snapshot/words.ts';
import {
  blockersList,
  holdersTable,
  poolersList,
  poolsList,
  proposalsList,
  sentence,
  topic,
} from './diagnosis-parts.ts';
import { findingsList, foot, framed, reachNotice, stateHeader, stateLine } from './frame.ts';
import type { View } from './frame.ts';
import { slackLimits, toMessage } from './kit/message.ts';
import type { Message, MessageBlock } from './kit/message.ts';
import { bold, plain, rich } from './kit/rich-text.ts';
import type { Leaf } from './kit/rich-text.ts';
import { proposeButtons } from './propose-buttons.ts';

/** The runbook's own names for its six causes. */
export const causeTitles: Readonly<Record<CauseName, string>> = {
  'connection-leak': 'Connection leak',
  'slow-queries': 'Slow queries',
  'uncommitted-transactions': 'Transaction not committed',
  'application-scaling': 'Application scaling',
  'pool-misconfiguration': 'Pool misconfiguration',
  'lock-contention': 'Deadlocks and lock waits',
};

/** The runbook's six causes, with the evidence for and against each that fits at all. */
export function causesMessage(view: View): Message {
  const { diagnosis } = view;
  const { causes, verdict } = diagnosis;
  return framed(view, { lead: 'Causes on', summary: verdict }, [
    ...reachNotice(diagnosis),
    ...causes.map((cause) => causeBlock(cause, verdict)),
    ...(causes.length === 0 ? [sentence(describeNoCause(diagnosis))] : []),
    ...proposalsList(diagnosis),
  ]);
}

/** What the verdict says already is not said twice. */
function causeBlock(
  { cause, confidence, summary, because, against }: Cause,
  verdict: string,
): MessageBlock {
  const point =
    (word: string) =>
    (line: string): Leaf[] =>
      rich`${bold(word)} ${plain(line, 300)}`;
  const title = `${causeTitles[cause]}, ${percent(confidence)} sure`;
  return topic(verdict.includes(summary) ? title : `${title}: ${summary}`, [
    ...because.map(point('For:')),
    ...against.map(point('Against:')),
  ]);
}

/** Fewer than three points draw a line that says nothing. */
const pointsNeeded = 3;

interface ChartOptions extends Pick<Diagnosis, 'target'> {
  readonly history: Readonly<Diagnosis['history']>;
  /** Of something that is over: a chart counts from its first check on, not back from the last. */
  readonly isOver?: boolean;
}

/** The recent checks as a line of used connections under a line of usable ones. */
export function historyChart({ history, target, isOver = false }: ChartOptions): MessageBlock[] {
  const unit = unitOf(history);
  const points = thin(onePerLabel(history, unit.ms / 10), slackLimits.chartPoints);
  if (points.length < pointsNeeded) return [];
  const origin = Date.parse((isOver ? points[0] : points.at(-1))?.at ?? '');
  const labels = toLabels(points.map(({ at }) => Math.abs(Date.parse(at) - origin) / unit.ms));
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
        axis_config: {
          categories: labels,
          x_label: isOver ? `${unit.name} since the first check` : `${unit.name} ago`,
          y_label: 'connections',
        },
      },
    },
  ];
}

/** Minutes, or seconds for what was over in two of them. */
function unitOf(history: readonly HistoryPoint[]): { readonly ms: number; readonly name: string } {
  const [from = '', to = ''] = [history[0]?.at, history.at(-1)?.at];
  const isShort = Date.parse(to) - Date.parse(from) < 120_000;
  return isShort ? { ms: 1000, name: 'seconds' } : { ms: 60_000, name: 'minutes' };
}

/** Whole units where they tell the points apart, else tenths. */
function toLabels(ages: readonly number[]): string[] {
  const whole = ages.map((age) => String(Math.round(age)));
  return new Set(whole).size === whole.length ? whole : ages.map((age) => age.toFixed(1));
}

type HistoryPoint = Diagnosis['history'][number];

/** A check may come right after a remedy's own figures: of points so near to each other the fullest is shown. */
function onePerLabel(points: readonly HistoryPoint[], leastApartMs: number): HistoryPoint[] {
  const kept: HistoryPoint[] = [];
  for (const point of points) {
    const last = kept.at(-1);
    if (last === undefined || Date.parse(point.at) - Date.parse(last.at) > leastApartMs) {
      kept.push(point);
    } else if (point.used > last.used) {
      kept[kept.length - 1] = { ...point, at: last.at };
    }
  }
  return kept;
}

interface Point {
  readonly at: string;
  readonly used: number;
}

/**
 * Points evenly chosen in time, first, last and fullest always among them: the checks themselves are closer together
 * in the last minutes than before, and Slack draws all points the same distance apart.
 */
function thin<T extends Point>(items: readonly T[], max: number): T[] {
  if (items.length <= max) return [...items];
  const times = items.map(({ at }) => Date.parse(at));
  const [first = 0, last = 0] = [times[0], times.at(-1)];
  const chosen = Array.from({ length: max }, (_, index) =>
    nearest(times, first + ((last - first) * index) / (max - 1)),
  );
  const kept = withPeak([...new Set(chosen)], items);
  return kept.map((index) => items[index]).filter((item) => item !== undefined);
}

/** The fullest moment instead of the inner one next to it: a line without it would deny what the text says. */
function withPeak(chosen: readonly number[], items: readonly Point[]): number[] {
  const most = Math.max(...items.map(({ used }) => used));
  if (chosen.some((index) => items[index]?.used === most)) return [...chosen];
  const peak = items.findIndex(({ used }) => used === most);
  const inner = chosen.slice(1, -1);
  const next = inner.toSorted((a, b) => Math.abs(a - peak) - Math.abs(b - peak))[0];
  return chosen.map((index) => (index === next ? peak : index));
}

function nearest(times: readonly number[], to: number): number {
  return times.reduce(
    (best, time, index) =>
      Math.abs(time - to) < Math.abs((times[best] ?? Infinity) - to) ? index : best,
    0,
  );
}

/**
 * The answer to `/dbconn status`, in the order a woken person asks: how bad, why, what to do, and then what that rests
 * on and how dbconn knows.
 */
export function statusMessage(view: View): Message {
  const { diagnosis } = view;
  const unseen = diagnosis.capacity === null;
  const findings = findingsList(diagnosis, 3, unseen ? 'Why' : 'Also found');
  return toMessage(`${stateLine(diagnosis)} ${diagnosis.verdict}`, [
    stateHeader(diagnosis),
    sentence(diagnosis.verdict),
    // Where PostgreSQL was not seen, why it was not is the answer.
    ...(unseen ? findings : []),
    ...proposalsList(diagnosis),
    ...proposeButtons(view),
    ...holdersTable(diagnosis),
    ...blockersList(diagnosis, 3),
    ...poolersList(diagnosis, 3),
    ...poolsList(diagnosis, 4),
    ...(unseen ? [] : findings),
    ...historyChart(diagnosis),
    ...foot(view),
  ]);
}
