import type { ApprovalRequest } from '../../runbook/approvals/request.ts';
import type { Plan } from '../../runbook/remedies/plan.ts';
import { nameOf } from '../../runbook/remedies/remedy-request.ts';
import type { StepProgress } from '../../runbook/remedies/remedy.ts';
import { count, durationOfMs } from '../../runbook/snapshot/words.ts';
import { header, smallPrint, take, toMessage } from './kit/message.ts';
import type { Message, MessageBlock } from './kit/message.ts';
import {
  between,
  bold,
  bullets,
  code,
  moment,
  plain,
  richText,
  titledList,
  rich,
} from './kit/rich-text.ts';
import type { Leaf } from './kit/rich-text.ts';
import { mostTargetsOf } from './plan-targets.ts';

/** How far a plan's steps are, gathered from what is heard of them. */
export interface RunProgress {
  readonly steps: ReadonlyMap<number, StepTimes>;
  /** Where the present step stands, such as `12 of 61 ended`. */
  readonly progress: string | null;
}

interface StepTimes {
  readonly begunAt: string;
  /** Null while it runs, or when it broke off. */
  readonly endedAt: string | null;
}

export const notBegun: RunProgress = { steps: new Map(), progress: null };

/** A step may be told of in several parts: it lasts from its first intent to its last end. */
export function follow(runProgress: RunProgress, update: StepProgress): RunProgress {
  switch (update.kind) {
    case 'progress':
      return { ...runProgress, progress: update.sentence };
    case 'intended':
    case 'done': {
      const begunAt = runProgress.steps.get(update.step)?.begunAt ?? update.at;
      const endedAt = update.kind === 'done' ? update.at : null;
      const steps = new Map([...runProgress.steps, [update.step, { begunAt, endedAt }] as const]);
      return { steps, progress: update.kind === 'done' ? null : update.sentence };
    }
    default:
      return runProgress;
  }
}

/** What is left alone although it looks like a target, by reason, with some names. */
export function skippedList({ skipped, skippedTotal }: Plan): MessageBlock[] {
  if (skippedTotal === 0) return [];
  const groups = [...Map.groupBy(skipped, ({ reason }) => reason)].map(
    ([reason, alike]): Leaf[] => {
      const { taken, more } = take(alike, 4);
      const names = taken.flatMap(({ what, label }, index) => [
        ...(index === 0 ? [] : rich`, `),
        plain(what),
        ...(label === '' ? [] : rich` ${code(label, 40)}`),
      ]);
      return [
        ...rich`${bold(`${alike.length}:`)} ${reason} (`,
        ...names,
        between(more > 0 ? ` and ${more} more)` : ')'),
      ];
    },
  );
  const untold = skippedTotal - skipped.length;
  if (untold > 0) groups.push([plain(`${untold} more, not listed`)]);
  return titledList(`Skipped: ${skippedTotal}`, groups);
}

/** Costs told above the buttons; the rest stands below them. */
const costsFirst = 2;

/** What it is about, what is lost and gained by it, and how it is undone: what people decide by. */
export function aboutPlan({ title, subject, cost, frees, undo, risk }: Plan): Leaf[][] {
  const isNamed = subject === null || title.split(/[ ,:]/).includes(subject);
  return [
    ...(isNamed ? [] : [rich`${bold('About:')} ${code(subject, 63)}`]),
    ...(cost.length === 0 ? [] : [rich`${bold('Lost:')} ${cost.slice(0, costsFirst).join(' ')}`]),
    rich`${bold('Gained:')} ${frees.sentence}`,
    rich`${bold('Undo:')} ${plain(undo)} ${bold('Risk:')} ${risk}.`,
  ];
}

/** The costs that are not told above the buttons. */
export function furtherCosts({ cost }: Plan): MessageBlock[] {
  return titledList(
    'Also',
    cost.slice(costsFirst).map((line) => [plain(line)]),
  );
}

/** More steps than this are shown around the present one; the thread has them all in the end. */
const mostShown = 12;
const mostAhead = 6;

/** The plan's steps: what will happen before it runs, and then how far each of them is. */
export function stepsList(request: ApprovalRequest, runProgress: RunProgress): MessageBlock[] {
  const { plan, execution } = request;
  const steps = plan.steps.map((sentence): Leaf[] => [plain(sentence)]);
  if (execution === null) return steps.length < 2 ? [] : shorten('Steps', steps);
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

/** `✓ End 61 sessions, 4.2 s`, `▶ Restart backend-1, since 03:04:05: waiting`, `○ Check again`. */
function stepLeaves(request: ApprovalRequest, { runProgress, index, sentence }: Step): Leaf[] {
  const times = runProgress.steps.get(index);
  if (times === undefined) {
    return hasRun(request) ? rich`– ${plain(`${sentence} (not done)`)}` : rich`○ ${sentence}`;
  }
  const { begunAt, endedAt } = times;
  if (endedAt !== null) return rich`✓ ${plain(`${sentence}, ${took(begunAt, endedAt)}`)}`;
  if (hasRun(request)) return rich`✗ ${plain(`${sentence} (broke off)`)}`;
  const { progress } = runProgress;
  return [
    ...rich`▶ ${bold(sentence)}, since ${moment(begunAt)}`,
    ...(progress === null || progress === sentence ? [] : rich`: ${progress}`),
  ];
}

function took(begunAt: string, endedAt: string): string {
  const ms = Math.max(0, Date.parse(endedAt) - Date.parse(begunAt));
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : durationOfMs(ms);
}

function shorten(title: string, points: readonly (readonly Leaf[])[]): MessageBlock[] {
  const more = points.length - mostShown;
  if (more <= 0) return titledList(title, points, 'ordered');
  const last = [plain(`and ${count(more + 1, 'more step')}`)];
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
      ? [rich`✓ ${plain(count(behind.length - told.length, 'step'))}`]
      : []),
    ...told,
    ...ahead,
    ...(left > 0 ? [[plain(`and ${count(left, 'more step')}`)]] : []),
  ]);
}

/** How each step went, for the thread once it is over; nothing where none was seen. */
export function stepsTaken(request: ApprovalRequest, runProgress: RunProgress): MessageBlock[] {
  if (runProgress.steps.size === 0 || request.plan.byHand !== undefined) return [];
  const points = request.plan.steps.map((sentence, index) =>
    stepLeaves(request, { runProgress, index, sentence }),
  );
  return [richText(bullets(points))];
}

/** A plan that nobody proposed: what would be done, and that nothing was recorded. */
export function planMessage(plan: Plan): Message {
  const line = `Preview, ${nameOf(plan.option)} for ${plan.target}: ${plan.title}`;
  const steps = plan.steps.slice(0, 12).map((sentence) => [plain(sentence)]);
  const hand = plan.byHand === undefined ? [] : [rich`${bold('By hand:')} ${plan.byHand.why}`];
  return toMessage(line, [
    header(line),
    richText(bullets([...hand, ...aboutPlan(plan)])),
    ...titledList('Steps', steps, 'ordered'),
    ...mostTargetsOf(plan),
    ...furtherCosts(plan),
    ...skippedList(plan),
    ...smallPrint(['Only you see this preview. Nothing is recorded, and nothing runs.']),
  ]);
}
