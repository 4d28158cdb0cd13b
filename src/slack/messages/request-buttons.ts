import type { Button } from '@slack/types';
import type { ApprovalRequest } from '../../runbook/approvals/request.ts';
import { actionOf, nameOf } from '../../runbook/remedies/remedy-request.ts';
import type { RemedyRequest } from '../../runbook/remedies/remedy-request.ts';
import { wasTakenBack } from '../../runbook/remedies/remedy.ts';
import { actionIds, blockIds, followUpActions } from './kit/action-ids.ts';
import { actions, button } from './kit/button.ts';
import type { ButtonWording } from './kit/button.ts';
import type { MessageBlock } from './kit/message.ts';

/**
 * What can be done with a request in its present state. Every button carries the request's id and nothing else:
 * the plan is in the journal, and whoever presses is judged anew.
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
      return [toButton(request, { id: actionIds.askAgain, text: 'Ask again' })];
    case 'done':
      return [...followUpButtons(request), ...undoButtons(request)];
    default:
      return [];
  }
}

function voteButtons(request: ApprovalRequest): Button[] {
  const { plan, option, votes, votesNeeded } = request;
  const last = votesNeeded - votes.length === 1;
  const when = last ? 'at once' : 'after the last vote needed';
  const then =
    plan.byHand === undefined
      ? `It begins ${when}.`
      : `Its commands show ${when}, for a person to run.`;
  const confirm = {
    title: `Approve ${nameOf(option)}?`,
    text: `${plan.title}. ${then}`,
    yes: 'Approve',
    no: 'Not yet',
  };
  const approve = { id: actionIds.approve, text: 'Approve', style: 'primary', confirm } as const;
  const deny = { id: actionIds.deny, text: 'Deny…', style: 'danger' } as const;
  const change = { id: actionIds.change, text: 'Change…' };
  return [
    toButton(request, approve),
    toButton(request, deny),
    ...(option === 'A' ? [toButton(request, change)] : []),
  ];
}

function ranButton(request: ApprovalRequest): Button {
  const confirm = {
    title: 'Did you run it?',
    text: 'It is recorded as run by you, and dbconn looks whether it helped. It runs nothing itself.',
    yes: 'I ran it',
    no: 'Not yet',
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
    text: 'It ends after its present step, and nothing new begins until an approver lets it go on.',
    yes: 'Stop',
    no: 'Let it run',
  };
  return toButton(request, { id: actionIds.stop, text: 'Stop', style: 'danger', confirm });
}

function undoButtons(request: ApprovalRequest): Button[] {
  const { plan, result } = request;
  if (plan.undoAsk === null || result === null || wasTakenBack(result.report)) return [];
  return [toButton(request, { id: actionIds.undo, text: 'Propose the undo' })];
}

/** What the run found that it left alone, such as a query of a process that is gone. */
function followUpButtons(request: ApprovalRequest): Button[] {
  const asks = request.result?.report.followUps ?? [];
  return followUpActions.flatMap((id, index) => {
    const ask = asks[index];
    return ask === undefined ? [] : [toButton(request, { id, text: `Propose: ${inWords(ask)}` })];
  });
}

/** By pids and configured names only. */
function inWords(ask: RemedyRequest): string {
  switch (ask.kind) {
    case 'stop-session':
      return `${ask.how === 'cancel' ? 'cancel' : 'end'} ${ask.pid}`;
    case 'restart':
      return `restart ${ask.service}`;
    default:
      return nameOf(actionOf(ask));
  }
}

function toButton(request: ApprovalRequest, wording: ButtonWording): Button {
  const { id: value, plan } = request;
  const label = `${wording.text}, ${nameOf(plan.option)} for ${plan.target}`;
  return button({ ...wording, label, value });
}
