import type { Actor, ApprovalRequest } from '../../runbook/approvals/request.ts';
import { isOpen } from '../../runbook/approvals/request.ts';
import { aimOf } from '../../runbook/approvals/verify/aim.ts';
import type { Aim } from '../../runbook/approvals/verify/aim.ts';
import type { Fullness, OutcomeWord } from '../../runbook/approvals/verify/outcome.ts';
import type { CauseName } from '../../runbook/diagnose/diagnosis.ts';
import { nameOf } from '../../runbook/remedies/remedy-request.ts';
import { wasTakenBack } from '../../runbook/remedies/remedy.ts';
import type { Item } from '../../runbook/remedies/remedy.ts';
import { count } from '../../runbook/snapshot/words.ts';
import type { MessageBlock } from './kit/message.ts';
import {
  actorLeaf,
  bold,
  bullets,
  code,
  moment,
  paragraph,
  plain,
  pointsOf,
  quote,
  richText,
  titledList,
  rich,
} from './kit/rich-text.ts';
import type { Leaf } from './kit/rich-text.ts';
import { aboutPlan } from './plan.ts';
import { causeTitles } from './status.ts';

/** Why it is proposed, and what keeps it from running: seen when the card is written. */
export interface Circumstances {
  /** The target's open incident; null where there is none. */
  readonly incident: { readonly cause: CauseName | null; readonly headline: string | null } | null;
  /** The same change ran a short time ago: until then this one may not. UTC ISO text. */
  readonly coolingUntil: string | null;
}

export const noCircumstances: Circumstances = { incident: null, coolingUntil: null };

interface Title {
  readonly mark: string;
  readonly word: string;
}

/** The mark is for the eye only. */
const outcomeWords: Readonly<Record<OutcomeWord, Title>> = {
  fixed: { mark: '🟢', word: 'Fixed' },
  partly: { mark: '🟠', word: 'Partly fixed' },
  unchanged: { mark: '⚪', word: 'No change' },
  refilled: { mark: '🟠', word: 'Filled up again' },
  worse: { mark: '🔴', word: 'Worse than before' },
  unknown: { mark: '⚪', word: 'Effect unknown' },
};

/** What an outcome of such a change is called. */
export function outcomeTitle(outcome: OutcomeWord, aim: Aim): Title {
  if (aim === 'as-planned' && outcome === 'fixed') return { mark: '🟢', word: 'Done' };
  // Slots fill up; waits and slow statements come back.
  if (aim !== 'slots' && outcome === 'refilled') return { mark: '🟠', word: 'Came back' };
  return outcomeWords[outcome];
}

const stateTitles: Readonly<Record<ApprovalRequest['state'], Title>> = {
  proposed: { mark: '🟡', word: 'Proposed' },
  approved: { mark: '🔵', word: 'Approved' },
  handed: { mark: '🔵', word: 'Approved to run by hand' },
  executing: { mark: '🔵', word: 'Running' },
  verifying: { mark: '🔵', word: 'Checking the effect' },
  done: { mark: '⚪', word: 'Done' },
  denied: { mark: '⚫', word: 'Denied' },
  withdrawn: { mark: '⚫', word: 'Withdrawn' },
  expired: { mark: '⚫', word: 'Expired' },
  stale: { mark: '⚫', word: 'Out of date' },
  failed: { mark: '🔴', word: 'Failed' },
};

/** Every title of a plan begins with one of these. */
const pastTense: Readonly<Record<string, string>> = {
  End: 'ended',
  Cancel: 'cancelled',
  Stop: 'stopped',
  Restart: 'restarted',
  Raise: 'raised',
  Lower: 'lowered',
  Roll: 'rolled',
  Resize: 'resized',
  Remove: 'removed',
  Limit: 'limited',
};

/** `Restart reports, 2 replicas` while it can be decided, and `Fixed: restarted reports, 2 replicas` after it. */
export function requestTitle(request: ApprovalRequest): { mark: string; line: string } {
  const { state, plan } = request;
  const { mark, word } = whereItStands(request);
  if (state === 'proposed') return { mark, line: plan.title };
  const [verb = '', ...rest] = plan.title.split(' ');
  const hasRun = state === 'verifying' || state === 'done';
  const first = (hasRun ? pastTense[verb] : undefined) ?? verb.toLowerCase();
  return { mark, line: `${word}: ${[first, ...rest].join(' ')}` };
}

/** What a notification says of it: `Proposed, option C for shop: Restart reports, 2 replicas`. */
export function requestText(request: ApprovalRequest): string {
  const { option, target, plan } = request;
  return `${whereItStands(request).word}, ${nameOf(option)} for ${target}: ${plan.title}`;
}

/** The word for the state of a request: of one that is done, what came of it. */
export function whereItStands({ state, result, ask }: ApprovalRequest): Title {
  const outcome = state === 'done' ? result?.outcome : undefined;
  if (result === null || outcome === undefined || outcome === null) return stateTitles[state];
  return wasTakenBack(result.report) ? takenBack : outcomeTitle(outcome.word, aimOf(ask));
}

/** How full the server is tells nothing of a change that is not there. */
const takenBack = { mark: '🔴', word: 'Failed and undone' };

/** Who proposed it and why, who voted, what it does and costs, and what it needs or what became of it. */
export function requestStatus(
  request: ApprovalRequest,
  { incident }: Circumstances = noCircumstances,
): MessageBlock[] {
  const { state, plan, votes, brokenGlass } = request;
  const points: Leaf[][] = [
    origin(request),
    ...(state === 'proposed' && incident !== null ? incidentLeaves(incident) : []),
    ...(state === 'proposed' ? aboutPlan(plan) : []),
    ...(state === 'proposed' ? [] : votes.map(approval)),
    ...byHand(request),
    ...ending(request),
    ...executionLines(request),
    ...(state === 'proposed' ? [needs(request)] : []),
  ];
  const reasons = [...votes.map(({ reason }) => reason), request.closing?.reason ?? null];
  return [
    ...(brokenGlass === null ? [] : [exception(brokenGlass)]),
    richText(bullets(points)),
    ...reasons.filter((reason) => reason !== null).map((reason) => richText(quote(reason))),
  ];
}

function origin({ option, target, proposedBy, proposedAt, undoes }: ApprovalRequest): Leaf[] {
  const what = undoes === null ? nameOf(option) : `undo of ${nameOf(option)}`;
  return rich`${bold('Proposed by')} ${actorLeaf(proposedBy)} at ${moment(proposedAt)}${plain(`: ${what} for ${target}`)}`;
}

function incidentLeaves({ cause, headline }: NonNullable<Circumstances['incident']>): Leaf[][] {
  const parts = [cause === null ? null : causeTitles[cause], headline].filter(
    (part) => part !== null,
  );
  return parts.length === 0 ? [] : [rich`${bold('Incident:')} ${parts.join('. ')}`];
}

function approval({ by, at }: ApprovalRequest['votes'][number]): Leaf[] {
  return rich`${bold('Approved by')} ${actorLeaf(by)} at ${moment(at)}`;
}

/** Why dbconn does not run it, and who did. */
function byHand({ plan, handOff, ...request }: ApprovalRequest): Leaf[][] {
  if (plan.byHand === undefined) return [];
  const ran = handOff?.ranBy ?? null;
  if (ran !== null)
    return [rich`${bold('Run by hand by')} ${actorLeaf(ran.by)} at ${moment(ran.at)}`];
  return isOpen({ plan, handOff, ...request })
    ? [rich`${bold('By hand:')} ${plain(plan.byHand.why)}`]
    : [];
}

/** Nobody must overlook that the votes were passed over. */
function exception({ by, at, reason }: NonNullable<ApprovalRequest['brokenGlass']>): MessageBlock {
  const sentence = rich`${bold('🚨 Run without approval (break-glass)')}, by ${actorLeaf(by)} at ${moment(at)}`;
  return richText(paragraph(sentence), quote(reason));
}

/** `Needs 2 approvals by 03:20`, or `Needs 1 more approval by 03:20, approved by @bob`. */
function needs({ votes, votesNeeded, expiresAt }: ApprovalRequest): Leaf[] {
  const missing = votesNeeded - votes.length;
  const more = votes.length === 0 ? '' : 'more ';
  return [
    ...rich`${bold('Needs')} ${plain(`${missing} ${more}${missing === 1 ? 'approval' : 'approvals'} by`)} ${moment(expiresAt)}`,
    ...votes.flatMap(
      ({ by }, index) => rich`${plain(index === 0 ? ', approved by' : ',')} ${actorLeaf(by)}`,
    ),
  ];
}

const closedBy: Readonly<Partial<Record<ApprovalRequest['state'], string>>> = {
  denied: 'Denied by',
  withdrawn: 'Withdrawn by',
};

function ending({ state, closing }: ApprovalRequest): Leaf[][] {
  if (closing === null) return [];
  const by: Actor | null = closing.by;
  return [
    by === null
      ? [bold(closing.sentence)]
      : rich`${bold(closedBy[state] ?? 'Ended by')} ${actorLeaf(by)} at ${moment(closing.at)}`,
  ];
}

function executionLines({ plan, execution, result }: ApprovalRequest): Leaf[][] {
  const lines: Leaf[][] = [];
  const { length: planned } = plan.targets;
  if (execution !== null && execution.left > 0 && plan.byHand === undefined) {
    const skipped = planned - execution.left;
    const text = `${skipped} of ${count(planned, 'target')}, no longer as approved.`;
    if (skipped > 0) lines.push(rich`${bold('Skipped:')} ${text}`);
  }
  if (result !== null) {
    lines.push(rich`${bold('Result:')} ${result.report.summary}`);
    const figures = [execution?.before ?? null, execution?.after ?? null];
    lines.push(rich`${bold('Effect:')} ${inFigures(figures, result.outcome)}`);
    const refill = result.outcome?.refill;
    if (refill !== undefined) {
      lines.push(rich`${bold('Filled up by:')} ${code(refill.application, 63)}`);
    }
  }
  return lines;
}

function inFigures(
  [before = null, after = null]: readonly Fullness[],
  outcome: NonNullable<ApprovalRequest['result']>['outcome'],
): string {
  if (outcome !== null) return outcome.sentence;
  return `${toWords(before)} connections used before, ${toWords(after)} right after.`;
}

function toWords(fullness: Fullness): string {
  if (fullness === null) return 'unknown';
  return fullness === 'full' ? 'all' : `${fullness.used} of ${fullness.usable}`;
}

const wellEnded: ReadonlySet<Item['outcome']> = new Set<Item['outcome']>([
  'ended',
  'cancelled',
  'already gone',
  'rolled back',
  'set',
  'restarted',
  'recreated',
]);

/** Targets that did not go as planned, with what their containers last said. */
export function troubleList({ result }: ApprovalRequest): MessageBlock[] {
  const troubled = (result?.report.items ?? []).filter(({ outcome }) => !wellEnded.has(outcome));
  const points = pointsOf(troubled, 8, ({ what, outcome, detail, lines }) => [
    ...rich`${bold(`${what}: ${outcome}.`)} ${detail}`,
    ...lines.slice(-5).flatMap((line) => rich`\n${code(line, 200)}`),
  ]);
  return titledList('Not as planned', points);
}

/** What to do when it did not help, or could not be seen to. */
export function nextStep({ state, result, target }: ApprovalRequest): MessageBlock[] {
  const word = result?.outcome?.word;
  const well = state !== 'failed' && (word === undefined || word === 'fixed');
  if (well) return [];
  return [
    richText(
      paragraph(
        rich`${bold('Next:')} ${plain('check again with')} ${code(`/dbconn status ${target}`)}, ${plain('or escalate with')} ${code('/dbconn escalate REASON')}`,
      ),
    ),
  ];
}
