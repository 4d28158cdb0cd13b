import { callbackIds } from '../messages/kit/action-ids.ts';
import type { CallbackId } from '../messages/kit/action-ids.ts';
import { notice } from '../messages/notice.ts';
import type { Message } from '../messages/parts/message.ts';
import { refusalMessage } from '../messages/refusal.ts';
import { readIdleView } from '../views/idle-view.ts';
import type { DialogMemory } from '../messages/kit/modal.ts';
import { reasonField } from '../views/reason-view.ts';
import type { ActionContext } from './acting.ts';
import { incidentDialogs } from './incident-dialogs.ts';
import { proposeRemedy } from './propose-ask.ts';
import type { RemedyInput } from './propose-ask.ts';
import { isProposer } from '../handlers/request-buttons.ts';
import type { ReadDialog } from './submitted.ts';
import { voteMessage } from './vote-message.ts';

/** The dialogs that can be submitted. Whoever submits is judged anew by the door, as if they had pressed a button. */
export const dialogs: Readonly<Record<CallbackId, ReadDialog>> = {
  [callbackIds.idle]: (memory, filled) => {
    const read = readIdleView(filled);
    if ('errors' in read) return read;
    return { work: (context) => proposeIdle(context, memory, read.ask) };
  },
  [callbackIds.approve]: ({ request = '' }, filled) => {
    const reason = filled[reasonField] ?? '';
    if (reason === '') return { errors: { [reasonField]: 'This option asks for a reason.' } };
    return {
      work: async ({ changes, actor }) =>
        voteMessage(await changes.approvals.approve(request, actor, reason)),
    };
  },
  [callbackIds.deny]: ({ request = '' }, filled) => ({
    work: (context) => deny(context, request, filled[reasonField] ?? ''),
  }),
  ...incidentDialogs,
};

async function deny(
  { changes, actor }: ActionContext,
  id: string,
  reason: string,
): Promise<Message> {
  const { approvals } = changes;
  const found = await approvals.get(id);
  const isOwn = found.ok && isProposer(found.value, actor);
  return voteMessage(
    await (isOwn ? approvals.withdraw(id, actor, reason) : approvals.deny(id, actor, reason)),
  );
}

/** Proposed anew with what was chosen; a proposal of one's own that it replaces is withdrawn. */
async function proposeIdle(
  context: ActionContext,
  { request: id, target }: DialogMemory,
  ask: RemedyInput['ask'],
): Promise<Message> {
  const { changes, actor } = context;
  if (id === undefined) {
    const isKnown = context.deps.runbook.targets.some(({ name }) => name === target);
    if (target === undefined || !isKnown) return notice('There is no such target any more.');
    return proposeRemedy(context, { target, ask });
  }
  const found = await changes.approvals.get(id);
  if (!found.ok) return refusalMessage(found.refusal);
  const before = found.value;
  const reply = await proposeRemedy(context, { target: before.target, ask, supersedes: id });
  const open = await changes.approvals.list();
  const isReplaced = open.ok && open.value.some(({ supersedes }) => supersedes === id);
  if (isReplaced && before.state === 'proposed' && isProposer(before, actor)) {
    await changes.approvals.withdraw(id, actor, 'Proposed anew with other thresholds.');
  }
  return reply;
}
