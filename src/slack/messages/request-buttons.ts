import type { ActionsBlock, Button } from '@slack/types';
import type { ApprovalRequest } from '../../runbook/approvals/request.ts';
import type { Plan } from '../../runbook/remedies/plan.ts';
import { actionOf, nameOf } from '../../runbook/remedies/remedy-request.ts';
import type { RemedyRequest } from '../../runbook/remedies/remedy-request.ts';
import { wasTakenBack } from '../../runbook/remedies/remedy.ts';
import { actionIds, blockIds, followUpActions } from './kit/action-ids.ts';
import type { RequestActionId } from './kit/action-ids.ts';
import { slackLimits, truncate } from './kit/message.ts';
import type { MessageBlock } from './kit/message.ts';

/**
 * What can be done with a request in its present state. Every button carries the request's id and nothing else:
 * the plan is in the journal, and whoever presses is judged anew.
 */
export function requestButtons(request: ApprovalRequest): MessageBlock[] {
  const elements = buttonsOf(request);
  return elements.length === 0
    ? []
    : [{ type: 'actions', block_id: blockIds.request, elements } satisfies ActionsBlock];
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

interface Wording {
  readonly id: RequestActionId;
  readonly text: string;
  readonly style?: 'primary' | 'danger';
  readonly confirm?: {
    readonly title: string;
    readonly text: string;
    readonly yes: string;
    readonly no: string;
  };
}

function toButton(request: ApprovalRequest, { id, text, style, confirm }: Wording): Button {
  return {
    type: 'button',
    action_id: id,
    text: plainText(text, slackLimits.buttonCharacters),
    accessibility_label: label(text, request.plan),
    value: request.id,
    ...(style !== undefined && { style }),
    ...(confirm !== undefined && {
      confirm: {
        title: plainText(confirm.title, slackLimits.confirmTitleCharacters),
        text: plainText(confirm.text, slackLimits.confirmCharacters),
        confirm: plainText(confirm.yes, slackLimits.confirmButtonCharacters),
        deny: plainText(confirm.no, slackLimits.confirmButtonCharacters),
      },
    }),
  };
}

function plainText(text: string, max: number): { type: 'plain_text'; text: string; emoji: false } {
  return { type: 'plain_text', text: truncate(text, max), emoji: false };
}

/** What a screen reader says of a button: the same word stands on many. */
function label(word: string, { option, target }: Plan): string {
  return truncate(`${word}, ${nameOf(option)} for ${target}`, slackLimits.buttonCharacters);
}
