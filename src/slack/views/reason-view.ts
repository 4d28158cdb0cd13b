import type { ModalView } from '@slack/types';
import type { ApprovalRequest } from '../../runbook/approval/request.ts';
import { nameOf } from '../../runbook/remedies/action.ts';
import { callbackIds } from '../messages/kit/action-ids.ts';
import { between, bold, paragraph, plain, richText } from '../messages/parts/rich-text.ts';
import { formView, textField } from '../messages/kit/modal.ts';

/** As long as the journal keeps one. */
const longestReason = 500;

export const reasonField = 'reason';

/** Asks why, before a vote counts. */
export function approveView(request: ApprovalRequest, channel: string): ModalView {
  return formView({
    callbackId: callbackIds.approve,
    title: 'Approve with a reason',
    submit: 'Approve',
    memory: { channel, request: request.id },
    blocks: [about(request), reasonInput('Why it is right to do this now', false)],
  });
}

/** Asks why not; who is in a hurry leaves it empty. Whoever proposed it withdraws it. */
export function denyView(
  request: ApprovalRequest,
  channel: string,
  isProposer: boolean,
): ModalView {
  return formView({
    callbackId: callbackIds.deny,
    title: isProposer ? 'Withdraw it?' : 'Deny it?',
    submit: isProposer ? 'Withdraw' : 'Deny',
    memory: { channel, request: request.id },
    blocks: [about(request), reasonInput('Why not', true)],
  });
}

function about({ option, target, plan }: ApprovalRequest): ReturnType<typeof richText> {
  return richText(
    paragraph(bold(`${nameOf(option)} for ${target}:`), between(' '), plain(plan.title)),
  );
}

function reasonInput(label: string, optional: boolean): ReturnType<typeof textField> {
  return textField({
    id: reasonField,
    label,
    hint: 'Everybody in the channel reads it, and the journal keeps it.',
    optional,
    multiline: true,
    max: longestReason,
  });
}
