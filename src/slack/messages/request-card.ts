import type { ActionsBlock } from '@slack/types';
import type { Request } from '../../runbook/approval/request.ts';
import type { Plan } from '../../runbook/remedies/plan.ts';
import { actionIds } from '../action-ids.ts';
import { slackLimits, truncate } from '../limits.ts';
import { fate, nextStep, requestTitle, troubleList } from './parts/fate.ts';
import { header, smallPrint, toMessage } from './parts/message.ts';
import type { Message, MessageBlock } from './parts/message.ts';
import { bargain, sparedList, targetsOf } from './parts/plan.ts';

/**
 * The live message of a request: what exactly would be done, who stands behind it, and what became of it.
 * Text out of the database stands in cells and code only, so that it cannot pass for the card's own words.
 */
export function requestCard(request: Request): Message {
  const { mark, line } = requestTitle(request);
  const { plan, hash, id } = request;
  return toMessage(line, [
    header(`${mark} ${line}`),
    ...fate(request),
    ...troubleList(request),
    ...nextStep(request),
    ...targetsOf(request),
    ...sparedList(plan),
    ...bargain(plan),
    ...buttons(request),
    ...smallPrint([`request ${id} · plan ${hash.slice(0, 12)}`]),
  ]);
}

/** Only while a vote can still count. They carry the request's id and nothing else: the plan is in the journal. */
function buttons({ id, state, plan, votes, votesNeeded }: Request): MessageBlock[] {
  if (state !== 'proposed') return [];
  const last = votesNeeded - votes.length === 1;
  const then = last ? 'It begins at once.' : 'It begins after the last vote needed.';
  const block: ActionsBlock = {
    type: 'actions',
    elements: [
      {
        type: 'button',
        action_id: actionIds.approve,
        style: 'primary',
        text: { type: 'plain_text', text: 'Approve', emoji: false },
        accessibility_label: label('Approve', plan),
        value: id,
        confirm: {
          title: { type: 'plain_text', text: `Approve option ${plan.option}?`, emoji: false },
          text: {
            type: 'plain_text',
            text: truncate(`${plan.title}. ${then}`, slackLimits.confirmCharacters),
            emoji: false,
          },
          confirm: { type: 'plain_text', text: 'Approve', emoji: false },
          deny: { type: 'plain_text', text: 'Not yet', emoji: false },
        },
      },
      {
        type: 'button',
        action_id: actionIds.deny,
        style: 'danger',
        text: { type: 'plain_text', text: 'Deny', emoji: false },
        accessibility_label: label('Deny', plan),
        value: id,
      },
    ],
  };
  return [block];
}

/** What a screen reader says of a button: the same word stands on many. */
function label(word: string, { option, target }: Plan): string {
  return truncate(`${word} option ${option} for ${target}`, slackLimits.buttonCharacters);
}
