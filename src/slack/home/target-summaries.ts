import type { KnownBlock } from '@slack/types';
import type { Diagnosis } from '../../runbook/diagnose/diagnosis.ts';
import type { TargetMonitor } from '../../runbook/loop/target-monitor.ts';
import { stateWords } from '../messages/frame.ts';
import { ownLimits } from '../messages/kit/message.ts';
import { bold, code, moment, plain, titledList, rich } from '../messages/kit/rich-text.ts';
import type { Leaf } from '../messages/kit/rich-text.ts';

/** A target as its latest check left it. Figures and configured names only. */
export interface TargetSummary {
  readonly target: string;
  readonly state: Diagnosis['state'];
  readonly headline: string;
  /** Null where no capacity was seen. */
  readonly capacity: { readonly used: number; readonly usable: number } | null;
  /** When the check was made, UTC ISO text; null before the first one. */
  readonly takenAt: string | null;
  /** Used connections of the recent checks as bars, oldest first; empty where there are too few. */
  readonly sparkline: string;
}

/** The latest check of every target, without another one: opening a tab must cost no connection. */
export type ReadSummaries = () => readonly TargetSummary[];

function toTargetSummary(diagnosis: Diagnosis): TargetSummary {
  const { target, state, headline, capacity, takenAt, history } = diagnosis;
  return {
    target,
    state,
    headline,
    capacity: capacity === null ? null : { used: capacity.used, usable: capacity.usable },
    takenAt,
    sparkline: drawSparkline(history),
  };
}

const bars = Array.from('▁▂▃▄▅▆▇█');
const mostBars = 12;

/** The share of usable connections that was used, at the last checks. */
function drawSparkline(history: Diagnosis['history']): string {
  const shares = history
    .slice(-mostBars)
    .map(({ used, usable }) => Math.min(1, used / Math.max(1, usable)));
  return shares.length < 2
    ? ''
    : shares.map((share) => bars[Math.round(share * 7)] ?? '▁').join('');
}

/**
 * The same runbook, and what its latest check of each target said: every check, the loop's or a person's, fills in the
 * Home tab. Holds one small value for each target.
 */
export function rememberSummaries(monitor: TargetMonitor): {
  readonly monitor: TargetMonitor;
  readonly readSummaries: ReadSummaries;
} {
  const latest = new Map<string, TargetSummary>();
  const remember = (diagnosis: Diagnosis): void => {
    const before = latest.get(diagnosis.target)?.takenAt ?? '';
    // Two checks at once may end in the other order.
    if (before <= diagnosis.takenAt) latest.set(diagnosis.target, toTargetSummary(diagnosis));
  };
  return {
    monitor: {
      ...monitor,
      async diagnose(target) {
        const diagnosis = await monitor.diagnose(target);
        remember(diagnosis);
        return diagnosis;
      },
      async runCheck(target, effort) {
        const targetCheck = await monitor.runCheck(target, effort);
        remember(targetCheck.diagnosis);
        return targetCheck;
      },
    },
    readSummaries: () => monitor.targets.map(({ name }) => latest.get(name) ?? notCheckedYet(name)),
  };
}

function notCheckedYet(target: string): TargetSummary {
  return {
    target,
    state: 'unknown',
    headline: 'Not checked yet.',
    capacity: null,
    takenAt: null,
    sparkline: '',
  };
}

/** A younger check goes without its time, so that a tab on which nothing changed need not be sent again. */
const oldAfterMs = 2 * 60_000;

/** Worst first. What cannot be judged may be worse than a warning, and is no news of one. */
const order: readonly TargetSummary['state'][] = ['critical', 'warning', 'unknown', 'fine'];

/** `🔴 orders is critical`, `🟠 2 of 500 targets have problems`, `🟢 All 12 targets are fine`. */
export function targetsTitle(summaries: readonly TargetSummary[]): string {
  const worstState =
    order.find((state) => summaries.some((one) => one.state === state)) ?? 'unknown';
  const { mark } = stateWords[worstState];
  const troubled = summaries.filter(({ state }) => state === 'critical' || state === 'warning');
  const [only] = troubled;
  if (only !== undefined && troubled.length === 1) {
    return `${mark} ${only.target}: ${stateWords[only.state].word.toLowerCase()}`;
  }
  if (troubled.length > 1) {
    return `${mark} ${troubled.length} of ${summaries.length} targets have problems`;
  }
  const unknown = summaries.filter(({ state }) => state === 'unknown').length;
  if (summaries.length === 1) {
    return `${mark} ${summaries[0]?.target ?? ''} ${unknown === 0 ? 'is fine' : 'cannot be checked'}`;
  }
  return unknown > 0
    ? `${mark} ${unknown} of ${summaries.length} targets cannot be checked`
    : `${mark} All ${summaries.length} targets are fine`;
}

/** The worst targets with their figures, and how the others are, in one list of bounded length. */
export function targetsList(summaries: readonly TargetSummary[], nowMs: number): KnownBlock[] {
  const sorted = summaries.toSorted(byNeed);
  const shown = sorted.slice(0, ownLimits.listItems - 1);
  const others = sorted.slice(shown.length);
  const points = shown.map((summary) => summaryLeaves(summary, nowMs));
  if (others.length > 0) points.push([plain(`and ${others.length} more: ${countStates(others)}`)]);
  return titledList('Targets', points);
}

function byNeed(a: TargetSummary, b: TargetSummary): number {
  return (
    order.indexOf(a.state) - order.indexOf(b.state) ||
    shareOf(b) - shareOf(a) ||
    a.target.localeCompare(b.target)
  );
}

function shareOf({ capacity }: TargetSummary): number {
  return capacity === null || capacity.usable === 0 ? 0 : capacity.used / capacity.usable;
}

function summaryLeaves(summary: TargetSummary, nowMs: number): Leaf[] {
  const { headline, sparkline, state, takenAt, target } = summary;
  const isOld = takenAt !== null && nowMs - Date.parse(takenAt) > oldAfterMs;
  const { mark, word } = stateWords[state];
  return [
    ...rich`${bold(`${mark} ${target}`)} `,
    ...(sparkline === '' ? [] : rich`${code(sparkline)} `),
    plain(`${word}: ${headline}`),
    ...(isOld ? rich` ${bold('Checked at')} ${moment(takenAt)}` : []),
  ];
}

/** `478 fine, 3 cannot judge`. */
function countStates(summaries: readonly TargetSummary[]): string {
  return order
    .map((state) => ({ state, count: summaries.filter((one) => one.state === state).length }))
    .filter(({ count }) => count > 0)
    .map(({ state, count }) => `${count} ${stateWords[state].word.toLowerCase()}`)
    .join(', ');
}
