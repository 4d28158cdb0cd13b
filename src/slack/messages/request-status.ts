import type { Actor, ApprovalRequest } from '../../runbook/approvals/request.ts';
import { aimOf } from '../../runbook/approvals/verify/aim.ts';
import type { Aim } from '../../runbook/approvals/verify/aim.ts';
import type { Fullness, OutcomeWord } from '../../runbook/approvals/verify/outcome.ts';
import { nameOf } from '../../runbook/remedies/remedy-request.ts';
import { wasTakenBack } from '../../runbook/remedies/remedy.ts';
import type { Item } from '../../runbook/remedies/remedy.ts';
import type { MessageBlock } from './kit/message.ts';
import {
  actorLeaf,
  bold,
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

interface Title {
  readonly mark: string;
  readonly word: string;
}

/** The mark is for the eye only. */
const outcomeWords: Readonly<Record<OutcomeWord, Title>> = {
  fixed: { mark: '🟢', word: 'Fixed' },
  partly: { mark: '🟠', word: 'Helped in part' },
  unchanged: { mark: '⚪', word: 'Done, as full as before' },
  refilled: { mark: '🟠', word: 'Filled up again' },
  worse: { mark: '🔴', word: 'Worse than before' },
  unknown: { mark: '⚪', word: 'Outcome unknown' },
};

/** The same where it is not about slots. */
const otherWords: Readonly<Partial<Record<OutcomeWord, Title>>> = {
  unchanged: { mark: '⚪', word: 'No better than before' },
  refilled: { mark: '🟠', word: 'Helped, and came back' },
};

/** What an outcome of such a change is called. */
export function outcomeTitle(outcome: OutcomeWord, aim: Aim): Title {
  const isPlanned = aim === 'as-planned' && outcome === 'fixed';
  if (isPlanned) return { mark: '🟢', word: 'Done as planned' };
  return (aim === 'slots' ? undefined : otherWords[outcome]) ?? outcomeWords[outcome];
}

const stateTitles: Readonly<Record<ApprovalRequest['state'], { mark: string; word: string }>> = {
  proposed: { mark: '🟡', word: 'Proposed' },
  approved: { mark: '🔵', word: 'Approved' },
  handed: { mark: '🔵', word: 'Approved, to run by hand' },
  executing: { mark: '🔵', word: 'Running' },
  verifying: { mark: '🔵', word: 'Done, watching whether it helped' },
  done: { mark: '⚪', word: 'Done' },
  denied: { mark: '⚫', word: 'Denied' },
  withdrawn: { mark: '⚫', word: 'Withdrawn' },
  expired: { mark: '⚫', word: 'Expired' },
  stale: { mark: '⚫', word: 'Out of date' },
  failed: { mark: '🔴', word: 'Failed' },
};

/** `🟡 Proposed, option A for orders: End 12 sessions …`, without the mark where nobody sees it. */
export function requestTitle(request: ApprovalRequest): { mark: string; line: string } {
  const { option, target, plan } = request;
  const { mark, word } = whereItStands(request);
  return { mark, line: `${word}, ${nameOf(option)} for ${target}: ${plan.title}` };
}

/** The word for where a request stands: of one that is done, what came of it. */
export function whereItStands({ state, result, ask }: ApprovalRequest): {
  mark: string;
  word: string;
} {
  const outcome = state === 'done' ? result?.outcome : undefined;
  if (result === null || outcome === undefined || outcome === null) return stateTitles[state];
  return wasTakenBack(result.report) ? takenBack : outcomeTitle(outcome.word, aimOf(ask));
}

/** How full the server is tells nothing of a change that is not there. */
const takenBack = { mark: '🔴', word: 'Did not work and was taken back' };

/** Who proposed it, who voted, and what it waits for or what became of it. */
export function requestStatus(request: ApprovalRequest): MessageBlock[] {
  const { proposedBy, proposedAt, votes, brokenGlass } = request;
  const points: Leaf[][] = [
    rich`${bold('Proposed by')} ${actorLeaf(proposedBy)} at ${moment(proposedAt)}`,
    ...votes.map(({ by, at }) => rich`${bold('Approved by')} ${actorLeaf(by)} at ${moment(at)}`),
    ...(request.state === 'proposed' ? [waiting(request)] : []),
    ...byHand(request),
    ...ending(request),
    ...executionLines(request),
  ];
  const reasons = [...votes.map(({ reason }) => reason), request.closing?.reason ?? null];
  return [
    ...(brokenGlass === null ? [] : [exception(brokenGlass)]),
    ...titledList('Where it stands', points),
    ...reasons.filter((reason) => reason !== null).map((reason) => richText(quote(reason))),
  ];
}

/** Why dbconn does not run it, and who did. */
function byHand({ state, plan, handOff }: ApprovalRequest): Leaf[][] {
  if (plan.byHand === undefined) return [];
  const ran = handOff?.ranBy ?? null;
  const lead = rich`${bold('By hand:')} `;
  if (ran === null) {
    const isOver = state !== 'proposed' && state !== 'approved' && state !== 'handed';
    return isOver ? [] : [[...lead, plain(plan.byHand.why)]];
  }
  return [rich`${bold('Run by hand by')} ${actorLeaf(ran.by)} at ${moment(ran.at)}`];
}

/** Nobody must overlook that the votes were passed over. */
function exception({ by, at, reason }: NonNullable<ApprovalRequest['brokenGlass']>): MessageBlock {
  const sentence = rich`${bold('🚨 Run without its votes (break-glass)')}, by ${actorLeaf(by)} at ${moment(at)}`;
  return richText(paragraph(sentence), quote(reason));
}

function waiting({ votes, votesNeeded, expiresAt }: ApprovalRequest): Leaf[] {
  const missing = votesNeeded - votes.length;
  const who = missing === 1 ? '1 approver' : `${missing} approvers`;
  return rich`${bold('Waits for')} ${plain(`${who}, until`)} ${moment(expiresAt)}`;
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
      : rich`${bold(closedBy[state] ?? 'Ended by')} ${actorLeaf(by)}`,
  ];
}

function executionLines({ plan, execution, result }: ApprovalRequest): Leaf[][] {
  const lines: Leaf[][] = [];
  if (execution !== null && execution.left > 0 && plan.byHand === undefined) {
    const text = `${execution.left} of ${plan.targets.length} targets were still as approved.`;
    lines.push(rich`${bold('Ran:')} ${text}`);
  }
  if (result !== null) {
    lines.push(rich`${bold('Result:')} ${result.report.summary}`);
    const figures = [execution?.before ?? null, execution?.after ?? null];
    const title = aimOf(plan.ask) === 'slots' ? 'Used slots:' : 'Seen:';
    lines.push(rich`${bold(title)} ${inFigures(figures, result.outcome)}`);
    const refill = result.outcome?.refill;
    if (refill !== undefined) {
      lines.push(rich`${bold('Taken again by:')} ${code(refill.application, 63)}`);
    }
  }
  return lines;
}

function inFigures(
  [before = null, after = null]: readonly Fullness[],
  outcome: NonNullable<ApprovalRequest['result']>['outcome'],
): string {
  if (outcome !== null) return outcome.sentence;
  return `${toWords(before)} before, ${toWords(after)} right after.`;
}

function toWords(fullness: Fullness): string {
  if (fullness === null) return 'not known';
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
        rich`${bold('Next:')} ${plain('look again with')} ${code(`/dbconn status ${target}`)}, ${plain('or ask for help with')} ${code('/dbconn escalate REASON')}`,
      ),
    ),
  ];
}
