import type { InputBlock, ModalView, PlainTextOption } from '@slack/types';
import type { ApprovalRequest } from '../../runbook/approvals/request.ts';
import { RemedyRequest, deedOf, nameOf } from '../../runbook/remedies/remedy-request.ts';
import type { Limits } from '../../runbook/snapshot/target.ts';
import { parseDuration, toDurationText } from '../../timing.ts';
import { callbackIds } from './kit/action-ids.ts';
import { plainText, slackLimits } from './kit/message.ts';
import { formView, reasonField, textField } from './kit/modal.ts';
import type { DialogMemory, Filled } from './kit/modal.ts';
import { bold, paragraph, richText, rich } from './kit/rich-text.ts';

type IdleRequest = Extract<RemedyRequest, { kind: 'idle' | 'idle-in-transaction' }>;

const fields = { kind: 'kind', application: 'application', over: 'over' } as const;

const kinds: readonly (readonly [IdleRequest['kind'], string])[] = [
  ['idle-in-transaction', 'Transactions left open (idle in transaction)'],
  ['idle', 'Idle sessions of one application'],
];

/** Which sessions option A is about, filled in with what was asked for before. */
export function idleView(ask: IdleRequest, memory: DialogMemory): ModalView {
  return formView({
    callbackId: callbackIds.idle,
    title: 'End idle sessions',
    submit: 'Propose',
    memory,
    blocks: [
      richText(
        paragraph(rich`A proposal ends exactly the sessions it lists, and only after an approval.`),
      ),
      kindField(ask.kind),
      textField({
        id: fields.application,
        label: 'Application',
        hint: 'Its application_name. Idle sessions can be ended for one application only.',
        placeholder: 'every application',
        initial: ask.application ?? '',
        optional: true,
        max: 63,
      }),
      textField({
        id: fields.over,
        label: 'In that state for at least',
        hint: 'Such as 90s, 30m or 2h.',
        initial: toDurationText(ask.idleForMs),
        optional: false,
        max: 12,
      }),
    ],
  });
}

function kindField(chosen: IdleRequest['kind']): InputBlock {
  const options = kinds.map(([value, text]): PlainTextOption => ({
    text: plainText(text, 75),
    value,
  }));
  const initial = options.find(({ value }) => value === chosen);
  return {
    type: 'input',
    block_id: fields.kind,
    label: plainText('Which sessions', 2000),
    element: {
      type: 'radio_buttons',
      action_id: fields.kind,
      options,
      ...(initial !== undefined && { initial_option: initial }),
    },
  };
}

/** The request that was filled in, or a sentence under each field that is not right. */
export function readIdleView(
  filled: Filled,
): { readonly ask: IdleRequest } | { readonly errors: Readonly<Record<string, string>> } {
  const application = filled[fields.application] ?? '';
  const idleForMs = parseDuration(filled[fields.over] ?? '');
  if (idleForMs === undefined)
    return { errors: { [fields.over]: 'A duration, such as 90s, 30m or 2h.' } };
  const isIdle = filled[fields.kind] === 'idle';
  if (isIdle && application === '') {
    return {
      errors: {
        [fields.application]: 'Enter an application: idle sessions can be ended for one only.',
      },
    };
  }
  const draft = isIdle
    ? { kind: 'idle', application, idleForMs }
    : { kind: 'idle-in-transaction', ...(application !== '' && { application }), idleForMs };
  const { data: ask } = RemedyRequest.safeParse(draft);
  if (ask?.kind === 'idle' || ask?.kind === 'idle-in-transaction') return { ask };
  return { errors: { [fields.application]: 'No application_name is longer than 63 characters.' } };
}

/** What is asked for where nobody asked for anything yet: the target's own threshold. */
export function usualIdleRequest({ terminateIdleInTransactionMs }: Limits): IdleRequest {
  return { kind: 'idle-in-transaction', idleForMs: terminateIdleInTransactionMs };
}

/** Asks why, before a vote counts. The vote that starts it says what it starts. */
export function approveView(request: ApprovalRequest, channel: string): ModalView {
  const { ask, plan, votes, votesNeeded } = request;
  const { verb, object } = deedOf(ask, plan.targets.length);
  const deed = `${verb} ${object}`;
  const isLast = votesNeeded - votes.length === 1 && plan.byHand === undefined;
  return formView({
    callbackId: callbackIds.approve,
    title: 'Approve with a reason',
    submit: isLast && deed.length <= slackLimits.modalTitleCharacters ? deed : 'Approve',
    memory: { channel, request: request.id },
    blocks: [about(request), reasonField('Why now?')],
  });
}

/** Asks why not; who is in a hurry leaves it empty. The proposer withdraws it. */
export function denyView(
  request: ApprovalRequest,
  channel: string,
  isProposer: boolean,
): ModalView {
  return formView({
    callbackId: callbackIds.deny,
    title: isProposer ? 'Withdraw this request?' : 'Deny this request?',
    submit: isProposer ? 'Withdraw' : 'Deny',
    memory: { channel, request: request.id },
    blocks: [about(request), reasonField('Reason', true)],
  });
}

function about({ option, target, plan }: ApprovalRequest): ReturnType<typeof richText> {
  return richText(paragraph(rich`${bold(`${nameOf(option)} for ${target}:`)} ${plan.title}`));
}
