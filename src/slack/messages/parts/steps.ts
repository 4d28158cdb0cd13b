import type { ApprovalRequest } from '../../../runbook/approval/request.ts';
import { durationOfMs } from '../../../runbook/snapshot/wording.ts';

import type { RunProgress, StepTimes } from '../../cards/course.ts';
import type { MessageBlock } from './message.ts';
import { between, bold, moment, plain, titledList } from './rich-text.ts';
import type { Leaf } from './rich-text.ts';

/** More steps than this are shown around the present one; the thread has them all. */
const mostShown = 12;
const mostAhead = 6;

/** The plan's steps: what will happen before it runs, and then how far each of them is. */
export function stepsList(request: ApprovalRequest, runProgress: RunProgress): MessageBlock[] {
  const { plan, execution } = request;
  const steps = plan.steps.map((sentence): Leaf[] => [plain(sentence)]);
  if (execution === null) return steps.length < 2 ? [] : shorten('What will happen', steps);
  // dbconn takes no step of what a person runs.
  if (plan.byHand !== undefined) return [];
  // After a restart a card may be written before its steps were read.
  if (runProgress.steps.size === 0 && hasRun(request)) return [];
  const points = plan.steps.map((sentence, index) =>
    stepLeaves(request, { runProgress, index, sentence }),
  );
  const ended = plan.steps.findIndex((_, index) => isAhead(runProgress.steps.get(index)));
  return around('Steps', points, ended === -1 ? points.length : ended);
}

function hasRun({ state }: ApprovalRequest): boolean {
  return state !== 'executing' && state !== 'approved';
}

function isAhead(times: StepTimes | undefined): boolean {
  return times === undefined || times.endedAt === null;
}

interface Step {
  readonly runProgress: RunProgress;
  readonly index: number;
  readonly sentence: string;
}

/** `✓ End 61 sessions, 4.2 s`, `▶ Restart backend-1, since 03:04:05: waiting`, `○ Look again`. */
function stepLeaves(request: ApprovalRequest, { runProgress, index, sentence }: Step): Leaf[] {
  const times = runProgress.steps.get(index);
  if (times === undefined) {
    return hasRun(request)
      ? [between('– '), plain(`${sentence} (not done)`)]
      : [between('○ '), plain(sentence)];
  }
  const { begunAt, endedAt } = times;
  if (endedAt !== null) return [between('✓ '), plain(`${sentence}, ${took(begunAt, endedAt)}`)];
  if (hasRun(request)) return [between('✗ '), plain(`${sentence} (broke off)`)];
  const { progress } = runProgress;
  return [
    between('▶ '),
    bold(sentence),
    between(', since '),
    moment(begunAt),
    ...(progress === null || progress === sentence ? [] : [between(': '), plain(progress)]),
  ];
}

function took(begunAt: string, endedAt: string): string {
  const ms = Math.max(0, Date.parse(endedAt) - Date.parse(begunAt));
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : durationOfMs(ms);
}

function shorten(title: string, points: readonly (readonly Leaf[])[]): MessageBlock[] {
  const more = points.length - mostShown;
  if (more <= 0) return titledList(title, points, 'ordered');
  const last = [plain(`and ${more} steps more, in the thread`)];
  return titledList(title, [...points.slice(0, mostShown - 1), last], 'ordered');
}

/** What is done is counted where there are too many steps, and what is far ahead as well. */
function around(title: string, points: readonly (readonly Leaf[])[], next: number): MessageBlock[] {
  if (points.length <= mostShown) return titledList(title, points);
  const behind = points.slice(0, next);
  const told = behind.slice(-2);
  const ahead = points.slice(next, next + mostAhead);
  const left = points.length - next - ahead.length;
  return titledList(title, [
    ...(behind.length > told.length
      ? [[between('✓ '), plain(`${behind.length - told.length} steps`)]]
      : []),
    ...told,
    ...ahead,
    ...(left > 0 ? [[plain(`and ${left} steps more`)]] : []),
  ]);
}
