import type { Button } from '@slack/types';
import type { ApprovalRequest } from '../../runbook/approvals/request.ts';
import { deedOf, nameOf } from '../../runbook/remedies/remedy-request.ts';
import { wasTakenBack } from '../../runbook/remedies/remedy.ts';
import { actionIds, blockIds, followUpActions } from './kit/action-ids.ts';
import { actions, button } from './kit/button.ts';
import type { ButtonWording } from './kit/button.ts';
import { slackLimits } from './kit/message.ts';
import type { MessageBlock } from './kit/message.ts';
import { mostCharacters } from './propose-buttons.ts';

/**
 * What can be done with a request in its present state. Every button carries the request's id and nothing else:
 * the plan is in the journal, and the person who presses is judged again.
 */
export function requestButtons(request: ApprovalRequest): MessageBlock[] {
  return actions(buttonsOf(request), blockIds.request);
}

function buttonsOf(request: ApprovalRequest): Button[] {
  switch (request.state) {
    case 'proposed':
      return voteButtons(request);
    case 'handed':
      return [ranButton(request)];
    case 'approved':
    case 'executing':
      return [stopButton(request)];
    case 'expired':
    case 'stale':
      return [toButton(request, { id: actionIds.askAgain, text: 'Propose again' })];
    case 'done':
      return [...followUpButtons(request), ...undoButtons(request)];
    default:
      return [];
  }
}

function voteButtons(request: ApprovalRequest): Button[] {
  return [
    approveButton(request),
    toButton(request, { id: actionIds.deny, text: 'Deny…' }),
    ...(request.option === 'A'
      ? [toButton(request, { id: actionIds.change, text: 'Change…' })]
      : []),
  ];
}

function approveButton(request: ApprovalRequest): Button {
  const { plan, votes, votesNeeded, option } = request;
  const { text, label } = approveWording(request);
  const { verb, object } = deed(request);
  const isLast = votesNeeded - votes.length === 1;
  const yes = isLast
    ? plan.byHand === undefined
      ? `${verb} ${object}`
      : 'Show the commands'
    : `Approve (${votes.length + 1} of ${votesNeeded})`;
  return toButton(request, {
    id: actionIds.approve,
    text,
    label,
    style: 'primary',
    confirm: {
      title: isLast && plan.byHand === undefined ? `${verb} ${object}?` : `${text}?`,
      text: confirmText(request, isLast),
      yes: yes.length <= slackLimits.confirmButtonCharacters ? yes : verb,
      no: 'Cancel',
      // What a vote before the last one does is no danger: nothing starts.
      style: isLast && option !== 'prevention' ? 'danger' : 'primary',
    },
  });
}

/** The longest text that a phone shows whole: where both do not fit, the count stays and the object goes. */
function approveWording(request: ApprovalRequest): { text: string; label: string } {
  const { votes, votesNeeded, target, option } = request;
  const { noun } = deed(request);
  const next = votes.length + 1;
  const [long, short] =
    votesNeeded === 1 ? ['', ''] : [` (${next} of ${votesNeeded})`, ` (${next}/${votesNeeded})`];
  const [deedAlone = noun] = noun.split(' of ');
  const texts = [
    `Approve ${noun}${long}`,
    `Approve ${noun}${short}`,
    `Approve ${deedAlone}${long}`,
  ];
  return {
    text: texts.find(({ length }) => length <= mostCharacters) ?? `Approve${long}`,
    label: `Approve ${noun}${long}, ${nameOf(option)} for ${target}`,
  };
}

function confirmText({ plan, votes, votesNeeded }: ApprovalRequest, isLast: boolean): string {
  const cost = plan.cost.slice(0, 2).join(' ');
  if (!isLast) {
    const missing = votesNeeded - votes.length - 1;
    const more = missing === 1 ? 'one more approval' : `${missing} more approvals`;
    return `${plan.title}. Nothing starts yet: ${more} will be needed. ${cost}`;
  }
  // Slack shows this to all who press, and dbconn hears of a press only after it.
  const start =
    plan.byHand === undefined
      ? 'It starts at once if your approval counts.'
      : 'A person runs the commands.';
  return `${plan.title}. ${start} ${cost}`;
}

function ranButton(request: ApprovalRequest): Button {
  const confirm = {
    title: 'Did you run the commands?',
    text: 'dbconn records that you ran them, and checks the effect. It runs nothing itself.',
    yes: 'I ran them',
    no: 'Cancel',
  };
  return toButton(request, {
    id: actionIds.ranByHand,
    text: 'I ran it',
    style: 'primary',
    confirm,
  });
}

function stopButton(request: ApprovalRequest): Button {
  const confirm = {
    title: 'Stop all changes?',
    text: 'This one ends after its current step. No change starts on any target until an approver says go.',
    yes: 'Stop all changes',
    no: 'Cancel',
    style: 'danger',
  } as const;
  return toButton(request, {
    id: actionIds.stop,
    text: 'Stop all changes',
    style: 'danger',
    confirm,
  });
}

function undoButtons(request: ApprovalRequest): Button[] {
  const { plan, result } = request;
  if (plan.undoAsk === null || result === null || wasTakenBack(result.report)) return [];
  return [toButton(request, { id: actionIds.undo, text: 'Propose the undo…' })];
}

/** What the run found and did not touch, such as a query of a process that is gone. */
function followUpButtons(request: ApprovalRequest): Button[] {
  const asks = request.result?.report.followUps ?? [];
  return followUpActions.flatMap((id, index) => {
    const ask = asks[index];
    if (ask === undefined) return [];
    const { verb, object } = deedOf(ask);
    return [toButton(request, { id, text: `${verb} ${object}…` })];
  });
}

function deed({ ask, plan }: ApprovalRequest): ReturnType<typeof deedOf> {
  return deedOf(ask, plan.targets.length);
}

function toButton(request: ApprovalRequest, wording: ButtonWording): Button {
  const { id: value, plan } = request;
  const label = `${wording.text}, ${nameOf(plan.option)} for ${plan.target}`;
  return button({ label, ...wording, value });
}
