import type { Actor, ApprovalRequest } from '../../runbook/approvals/request.ts';
import { canonicalJson } from '../../runbook/remedies/plan.ts';
import type { Answer } from '../../runbook/remedies/remedy.ts';
import { actionIds, followUpActions } from '../messages/kit/action-ids.ts';
import type { RequestActionId } from '../messages/kit/action-ids.ts';
import type { Message } from '../messages/kit/message.ts';
import { notice, refusalMessage } from '../messages/notice.ts';
import { approveView, denyView, idleView } from '../messages/request-dialogs.ts';
import { proposeRemedy, showProposal, voteMessage } from './change-commands.ts';
import { stopAll } from './emergency-commands.ts';
import { answerPress, isForeign, openDialog } from './press.ts';
import type { Press, PressWork } from './press.ts';

/** A press on a request's card; undefined where a dialog is the answer. */
type Work = (press: Press, request: ApprovalRequest) => Promise<Message | undefined>;

/**
 * The buttons of a request. Who pressed is what Slack says; what it is about is read from the journal by the
 * button's id; whether it counts is for approvals to say. Every press is answered to the one who pressed.
 */
export const requestButtons: Readonly<Record<RequestActionId, Work>> = {
  [actionIds.approve]: approve,
  [actionIds.deny]: deny,
  [actionIds.change]: change,
  [actionIds.stop]: stop,
  [actionIds.askAgain]: askAgain,
  [actionIds.undo]: undo,
  [actionIds.ranByHand]: ranByHand,
  [followUpActions[0]]: (press, request) => followUp(press, request, 0),
  [followUpActions[1]]: (press, request) => followUp(press, request, 1),
  [followUpActions[2]]: (press, request) => followUp(press, request, 2),
};

/** Answers a press on a request's card by `work`. */
export function requestButton(work: Work): PressWork {
  return (press) =>
    answerPress(press, '/dbconn status', async () => {
      const { approvals, cards, value } = press;
      const found = await approvals.get(value);
      if (!found.ok) return refusalMessage(found.refusal);
      const request = found.value;
      const place = await cards.placeOf(request.id);
      if (isForeign(press, place)) {
        // What another process left behind when it was killed is taken away.
        cards.found(request, place);
        return notice(foreign);
      }
      const reply = await work(press, request);
      await showAsItIs(press, request.id);
      return reply;
    });
}

const foreign =
  'This button does not match its message, so nothing was done. Use the card in the incident channel, or list open requests with /dbconn requests.';

/** A card that still has buttons although it is decided, as after a restart, is put right. */
async function showAsItIs(
  { actionId, approvals, asker, cards, ts }: Press,
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

async function approve(press: Press, request: ApprovalRequest): Promise<Message | undefined> {
  const { actor, approvals } = press;
  const { reasonRequired } = await approvals.rulesFor(request);
  if (reasonRequired && request.state === 'proposed') {
    // Nobody should write a reason for a vote that does not count.
    const allowed = await approvals.mayVote(request, actor);
    if (!allowed.ok) return refusalMessage(allowed.refusal);
    return openDialog(press, approveView(request, press.asker.channel));
  }
  return voteMessage(await approvals.approve(request.id, actor));
}

async function deny(press: Press, request: ApprovalRequest): Promise<Message | undefined> {
  const { actor, approvals } = press;
  const isOwn = isProposer(request, actor);
  if (request.state !== 'proposed') return voteMessage(await approvals.deny(request.id, actor));
  return openDialog(press, denyView(request, press.asker.channel, isOwn));
}

export function isProposer({ proposedBy }: ApprovalRequest, { id }: Actor): boolean {
  return proposedBy.via === 'slack' && proposedBy.id === id;
}

async function change(
  press: Press,
  { ask, state, id }: ApprovalRequest,
): Promise<Message | undefined> {
  const isIdle = ask.kind === 'idle' || ask.kind === 'idle-in-transaction';
  if (!isIdle) return notice('Only option A has thresholds to change.');
  if (state !== 'proposed') {
    return notice('This no longer waits for approval. Propose it again with /dbconn propose A.');
  }
  return openDialog(press, idleView(ask, { channel: press.asker.channel, request: id }));
}

async function stop(press: Press, { state }: ApprovalRequest): Promise<Message> {
  if (state === 'approved' || state === 'executing') return stopAll(press, '');
  return notice(
    'This is no longer running, so nothing was stopped. To stop all changes, use /dbconn stop.',
  );
}

async function askAgain(press: Press, request: ApprovalRequest): Promise<Message> {
  const { id: supersedes, state, target, ask } = request;
  if (state !== 'expired' && state !== 'stale') {
    return notice('This is neither expired nor out of date, so it cannot be proposed again.');
  }
  return once(
    press,
    (one) => one.supersedes === supersedes,
    () => proposeRemedy(press, { target, ask, supersedes }),
  );
}

function undo(press: Press, { id }: ApprovalRequest): Promise<Message> {
  const { actor, approvals } = press;
  return once(
    press,
    (one) => one.undoes === id,
    () => showProposal(press, () => approvals.undo(id, actor)),
  );
}

async function ranByHand({ actor, approvals }: Press, { id }: ApprovalRequest): Promise<Message> {
  const ran = await approvals.ranByHand(id, actor);
  if (!ran.ok) return refusalMessage(ran.refusal);
  return notice('Recorded: you ran it. dbconn is checking the effect.');
}

async function followUp(press: Press, request: ApprovalRequest, index: number): Promise<Message> {
  const ask = request.result?.report.followUps?.[index];
  if (ask === undefined) return notice('There is nothing left to propose here.');
  const { target } = request;
  const isSame = (one: ApprovalRequest): boolean =>
    one.target === target && canonicalJson(one.ask) === canonicalJson(ask);
  return once(press, isSame, () => proposeRemedy(press, { target, ask }));
}

/** A second press makes no second proposal while the first one waits. */
async function once(
  { approvals }: Press,
  isIt: (request: ApprovalRequest) => boolean,
  propose: () => Promise<Message>,
): Promise<Message> {
  const open = await approvals.list();
  if (!open.ok) return refusalMessage(open.refusal);
  const already = open.value.find(isIt);
  if (already === undefined) return propose();
  return notice(`This is already proposed: request ${already.id} in the incident channel.`);
}
