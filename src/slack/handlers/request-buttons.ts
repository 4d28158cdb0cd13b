import type { Actor, ApprovalRequest } from '../../runbook/approvals/request.ts';
import { canonicalJson } from '../../runbook/remedies/plan.ts';
import type { Answer } from '../../runbook/remedies/remedy.ts';
import { actionIds, followUpActions } from '../messages/kit/action-ids.ts';
import type { RequestActionId } from '../messages/kit/action-ids.ts';
import type { Message } from '../messages/kit/message.ts';
import { notice, refusalMessage } from '../messages/notice.ts';
import { approveView, denyView, idleView } from '../messages/request-dialogs.ts';
import { proposeRemedy, showProposal, voteMessage } from './change-commands.ts';
import type { ActionContext, Changes } from './deps.ts';
import { answerInTime } from './deps.ts';
import { stopAll } from './emergency-commands.ts';
import { openDialog } from './press.ts';
import type { Press, PressWork } from './press.ts';

/** A press on a request's card; undefined where a dialog is the answer. */
type Work = (
  context: ActionContext,
  request: ApprovalRequest,
  press: Press,
) => Promise<Message | undefined>;

/**
 * The buttons of a request. Who pressed is what Slack says; what it is about is read from the journal by the
 * button's id; whether it counts is the door's to say. Every press is answered to the one who pressed.
 */
export const requestButtons: Readonly<Record<RequestActionId, Work>> = {
  [actionIds.approve]: approve,
  [actionIds.deny]: deny,
  [actionIds.change]: change,
  [actionIds.stop]: stop,
  [actionIds.askAgain]: askAgain,
  [actionIds.undo]: undo,
  [actionIds.ranByHand]: ranByHand,
  [followUpActions[0]]: (context, request) => followUp(context, request, 0),
  [followUpActions[1]]: (context, request) => followUp(context, request, 1),
  [followUpActions[2]]: (context, request) => followUp(context, request, 2),
};

/** Answers a press on a request's card by `work`. */
export function requestButton(work: Work): PressWork {
  return async (deps, press) => {
    const { answer, changes } = deps;
    const { actor, asker, signal } = press;
    if (changes === undefined) {
      await answer(asker, 'caller', notice('This dbconn only looks; nothing runs here.'));
      return;
    }
    let isDialog = false;
    const { message } = await answerInTime(deps, asker, {
      work: async () => {
        const reply = await pressed({ deps, changes, actor }, press, work);
        isDialog = reply === undefined;
        return reply ?? notice('A dialog asks for the rest.');
      },
      doing: 'answering a press',
      name: 'answer to a press',
      otherwise: '/dbconn status',
      signal,
    });
    if (!isDialog) await answer(asker, 'caller', message);
  };
}

async function pressed(
  context: ActionContext,
  press: Press,
  work: Work,
): Promise<Message | undefined> {
  const { changes, deps } = context;
  const found = await changes.approvals.get(press.value);
  if (!found.ok) return refusalMessage(found.refusal);
  const request = found.value;
  const { asker, actionId, ts } = press;
  const place = await changes.cards.placeOf(request.id);
  // A button works on the one message the request was posted as. Where that is not known, on any.
  if (place !== undefined && (place.channel !== asker.channel || place.ts !== ts)) {
    // What another process left behind when it was killed is taken away.
    changes.cards.found(request, place);
    deps.log.warn({ action: actionId, ...asker, respond: undefined }, 'A press on a foreign card');
    return notice(foreign);
  }
  const reply = await work(context, request, press);
  await showAsItIs(changes, press, request.id);
  return reply;
}

const foreign =
  'This button belongs to another request than its message shows, so nothing was done. Use the card in the incident channel; /dbconn requests lists what is open.';

/** A card that still has buttons although it is decided, as after a restart, is put right. */
async function showAsItIs(
  { cards, approvals }: Changes,
  { asker, ts, actionId }: Press,
  id: string,
): Promise<void> {
  const { approve: yes, deny: no, change: other, stop: halt, ranByHand: ran } = actionIds;
  const isForOpen = [yes, no, other, halt, ran].some((one) => one === actionId);
  const found = await approvals.get(id);
  if (!isForOpen || !isClosed(found) || ts === undefined) return;
  cards.found(found.value, { channel: asker.channel, ts });
}

function isClosed(found: Answer<ApprovalRequest>): found is { ok: true; value: ApprovalRequest } {
  return (
    found.ok &&
    !['proposed', 'approved', 'handed', 'executing', 'verifying'].includes(found.value.state)
  );
}

async function approve(
  context: ActionContext,
  request: ApprovalRequest,
  press: Press,
): Promise<Message | undefined> {
  const { changes, actor } = context;
  const { reasonRequired } = changes.approvals.rulesFor(request.option);
  if (reasonRequired && request.state === 'proposed') {
    return openDialog(context, press, approveView(request, press.asker.channel));
  }
  return voteMessage(await changes.approvals.approve(request.id, actor));
}

async function deny(
  context: ActionContext,
  request: ApprovalRequest,
  press: Press,
): Promise<Message | undefined> {
  const { changes, actor } = context;
  const isOwn = isProposer(request, actor);
  if (request.state !== 'proposed')
    return voteMessage(await changes.approvals.deny(request.id, actor));
  return openDialog(context, press, denyView(request, press.asker.channel, isOwn));
}

export function isProposer({ proposedBy }: ApprovalRequest, { id }: Actor): boolean {
  return proposedBy.via === 'slack' && proposedBy.id === id;
}

async function change(
  context: ActionContext,
  request: ApprovalRequest,
  press: Press,
): Promise<Message | undefined> {
  const { ask, state, id } = request;
  const isIdle = ask.kind === 'idle' || ask.kind === 'idle-in-transaction';
  if (!isIdle) return notice('Only option A has thresholds to change.');
  if (state !== 'proposed') {
    return notice('This is not waiting for votes any more. Propose it anew: /dbconn propose A.');
  }
  return openDialog(context, press, idleView(ask, { channel: press.asker.channel, request: id }));
}

async function stop(context: ActionContext, { state }: ApprovalRequest): Promise<Message> {
  if (state === 'approved' || state === 'executing') return stopAll(context, '');
  return notice('This runs no more, so nothing was stopped. /dbconn stop stops everything else.');
}

async function askAgain(context: ActionContext, request: ApprovalRequest): Promise<Message> {
  const { id: supersedes, state, target, ask } = request;
  if (state !== 'expired' && state !== 'stale') {
    return notice('This neither expired nor went out of date, so there is nothing to ask again.');
  }
  return once(
    context,
    (one) => one.supersedes === supersedes,
    () => proposeRemedy(context, { target, ask, supersedes }),
  );
}

async function undo(context: ActionContext, { id }: ApprovalRequest): Promise<Message> {
  const { changes, actor } = context;
  return once(
    context,
    (one) => one.undoes === id,
    () => showProposal(changes, () => changes.approvals.undo(id, actor)),
  );
}

async function ranByHand(
  { changes, actor }: ActionContext,
  { id }: ApprovalRequest,
): Promise<Message> {
  const ran = await changes.approvals.ranByHand(id, actor);
  if (!ran.ok) return refusalMessage(ran.refusal);
  return notice('It is recorded that you ran it. dbconn looks whether it helped.');
}

async function followUp(
  context: ActionContext,
  request: ApprovalRequest,
  index: number,
): Promise<Message> {
  const ask = request.result?.report.followUps?.[index];
  if (ask === undefined) return notice('There is nothing left to propose here.');
  const { target } = request;
  const isSame = (one: ApprovalRequest): boolean =>
    one.target === target && canonicalJson(one.ask) === canonicalJson(ask);
  return once(context, isSame, () => proposeRemedy(context, { target, ask }));
}

/** A second press makes no second proposal while the first one waits. */
async function once(
  { changes }: ActionContext,
  isIt: (request: ApprovalRequest) => boolean,
  propose: () => Promise<Message>,
): Promise<Message> {
  const open = await changes.approvals.list();
  if (!open.ok) return refusalMessage(open.refusal);
  const already = open.value.find(isIt);
  if (already === undefined) return propose();
  return notice(`This is proposed already: request ${already.id} in the incident channel.`);
}
