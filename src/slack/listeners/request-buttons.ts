import type { Actor } from '../../runbook/approval/actor.ts';
import type { Request } from '../../runbook/approval/request.ts';
import { canonicalJson } from '../../runbook/remedies/plan.ts';
import type { Answer } from '../../runbook/remedies/remedy.ts';
import { actionIds, followUpActions } from '../action-ids.ts';
import type { RequestActionId } from '../action-ids.ts';
import { notice } from '../messages/notice.ts';
import type { Message } from '../messages/parts/message.ts';
import { refusalMessage } from '../messages/refusal.ts';
import type { Changes } from '../changes.ts';
import { idleView } from '../views/idle-view.ts';
import { approveView, denyView } from '../views/reason-view.ts';
import type { Acting } from './acting.ts';
import { openDialog } from './open-dialog.ts';
import { patiently } from './patiently.ts';
import type { Press, PressWork } from './press.ts';
import { proposeAsk, showProposal } from './propose-ask.ts';
import { stopAll } from './stop-and-go.ts';
import { voteMessage } from './vote-message.ts';

/** A press on a request's card; undefined where a dialog is the answer. */
type Work = (acting: Acting, request: Request, press: Press) => Promise<Message | undefined>;

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
  [followUpActions[0]]: (acting, request) => followUp(acting, request, 0),
  [followUpActions[1]]: (acting, request) => followUp(acting, request, 1),
  [followUpActions[2]]: (acting, request) => followUp(acting, request, 2),
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
    const { message } = await patiently(deps, asker, {
      work: async () => {
        const said = await pressed({ deps, changes, actor }, press, work);
        isDialog = said === undefined;
        return said ?? notice('A dialog asks for the rest.');
      },
      doing: 'answering a press',
      name: 'answer to a press',
      otherwise: '/dbconn status',
      signal,
    });
    if (!isDialog) await answer(asker, 'caller', message);
  };
}

async function pressed(acting: Acting, press: Press, work: Work): Promise<Message | undefined> {
  const { changes, deps } = acting;
  const found = await changes.door.get(press.value);
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
  const said = await work(acting, request, press);
  await showAsItIs(changes, press, request.id);
  return said;
}

const foreign =
  'This button belongs to another request than its message shows, so nothing was done. Use the card in the incident channel; /dbconn requests lists what is open.';

/** A card that still has buttons although it is decided, as after a restart, is put right. */
async function showAsItIs(
  { cards, door }: Changes,
  { asker, ts, actionId }: Press,
  id: string,
): Promise<void> {
  const { approve: yes, deny: no, change: other, stop: halt, ranByHand: ran } = actionIds;
  const isForOpen = [yes, no, other, halt, ran].some((one) => one === actionId);
  const found = await door.get(id);
  if (!isForOpen || !isClosed(found) || ts === undefined) return;
  cards.found(found.value, { channel: asker.channel, ts });
}

function isClosed(found: Answer<Request>): found is { ok: true; value: Request } {
  return (
    found.ok &&
    !['proposed', 'approved', 'handed', 'executing', 'verifying'].includes(found.value.state)
  );
}

async function approve(
  acting: Acting,
  request: Request,
  press: Press,
): Promise<Message | undefined> {
  const { changes, actor } = acting;
  const { reasonRequired } = changes.door.rulesFor(request.option);
  if (reasonRequired && request.state === 'proposed') {
    return openDialog(acting, press, approveView(request, press.asker.channel));
  }
  return voteMessage(await changes.door.approve(request.id, actor));
}

async function deny(acting: Acting, request: Request, press: Press): Promise<Message | undefined> {
  const { changes, actor } = acting;
  const isOwn = isProposer(request, actor);
  if (request.state !== 'proposed') return voteMessage(await changes.door.deny(request.id, actor));
  return openDialog(acting, press, denyView(request, press.asker.channel, isOwn));
}

export function isProposer({ proposedBy }: Request, { id }: Actor): boolean {
  return proposedBy.via === 'slack' && proposedBy.id === id;
}

async function change(
  acting: Acting,
  request: Request,
  press: Press,
): Promise<Message | undefined> {
  const { ask, state, id } = request;
  const isIdle = ask.kind === 'idle' || ask.kind === 'idle-in-transaction';
  if (!isIdle) return notice('Only option A has thresholds to change.');
  if (state !== 'proposed') {
    return notice('This is not waiting for votes any more. Propose it anew: /dbconn propose A.');
  }
  return openDialog(acting, press, idleView(ask, { channel: press.asker.channel, request: id }));
}

async function stop(acting: Acting, { state }: Request): Promise<Message> {
  if (state === 'approved' || state === 'executing') return stopAll(acting, '');
  return notice('This runs no more, so nothing was stopped. /dbconn stop stops everything else.');
}

async function askAgain(acting: Acting, request: Request): Promise<Message> {
  const { id: supersedes, state, target, ask } = request;
  if (state !== 'expired' && state !== 'stale') {
    return notice('This neither expired nor went out of date, so there is nothing to ask again.');
  }
  return once(
    acting,
    (one) => one.supersedes === supersedes,
    () => proposeAsk(acting, { target, ask, supersedes }),
  );
}

async function undo(acting: Acting, { id }: Request): Promise<Message> {
  const { changes, actor } = acting;
  return once(
    acting,
    (one) => one.undoes === id,
    () => showProposal(changes, () => changes.door.undo(id, actor)),
  );
}

async function ranByHand({ changes, actor }: Acting, { id }: Request): Promise<Message> {
  const ran = await changes.door.ranByHand(id, actor);
  if (!ran.ok) return refusalMessage(ran.refusal);
  return notice('It is recorded that you ran it. dbconn looks whether it helped.');
}

async function followUp(acting: Acting, request: Request, index: number): Promise<Message> {
  const ask = request.result?.report.followUps?.[index];
  if (ask === undefined) return notice('There is nothing left to propose here.');
  const { target } = request;
  const isSame = (one: Request): boolean =>
    one.target === target && canonicalJson(one.ask) === canonicalJson(ask);
  return once(acting, isSame, () => proposeAsk(acting, { target, ask }));
}

/** A second press makes no second proposal while the first one waits. */
async function once(
  { changes }: Acting,
  isIt: (request: Request) => boolean,
  propose: () => Promise<Message>,
): Promise<Message> {
  const open = await changes.door.list();
  if (!open.ok) return refusalMessage(open.refusal);
  const already = open.value.find(isIt);
  if (already === undefined) return propose();
  return notice(`This is proposed already: request ${already.id} in the incident channel.`);
}
