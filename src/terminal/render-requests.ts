import type { ApprovalRequest } from '../runbook/approval/request.ts';
import { nameOf } from '../runbook/remedies/action.ts';
import type { StepProgress } from '../runbook/remedies/remedy.ts';
import { toTable, wrap } from './render/layout.ts';
import type { Column, Paint } from './render/layout.ts';

const requestColumns: readonly Column[] = [
  { title: 'request', width: 14 },
  { title: 'state', width: 11 },
  { title: 'votes', width: 7 },
  { title: 'until (UTC)', width: 12 },
  { title: 'what', width: 54 },
];

/** What is proposed or running, oldest first. */
export function renderRequests(open: readonly ApprovalRequest[], paint: Paint): string {
  if (open.length === 0) return 'Nothing is proposed, and nothing runs.';
  const rows = open.map(({ id, state, votes, votesNeeded, expiresAt, option, target, plan }) => [
    id,
    state,
    `${votes.length}/${votesNeeded}`,
    state === 'proposed' ? expiresAt.slice(11, 19) : null,
    `${nameOf(option)} for ${target}: ${plan.title}`,
  ]);
  return [paint('bold', 'Open requests'), toTable(requestColumns, rows)].join('\n');
}

/** One step of a change that runs in this process, as it happens. */
export function renderStep(update: StepProgress): string {
  const marks = { intended: '▶', done: '✓', progress: ' ', note: ' ' } as const;
  return wrap(`${update.at.slice(11, 19)} ${marks[update.kind]} ${update.sentence}`);
}

/** How it ended, and whether it helped. */
export function renderEnd({ state, result, closing }: ApprovalRequest, paint: Paint): string {
  if (result === null) return wrap(closing?.sentence ?? `It is ${state}.`);
  const { report, outcome } = result;
  const troubled = report.items.filter(
    ({ outcome: word }) => word === 'failed' || word === 'refused',
  );
  return [
    wrap(report.summary),
    ...troubled.map(({ what, outcome: word, detail }) => wrap(`${what}: ${word}. ${detail}`, '  ')),
    ...(outcome === null
      ? []
      : [`${paint('bold', outcome.word)}: ${wrap(outcome.sentence).trimStart()}`]),
  ].join('\n');
}
