import type {
  AllMiddlewareArgs,
  BlockAction,
  ButtonAction,
  OverflowAction,
  SlackActionMiddlewareArgs,
} from '@slack/bolt';
import type { ModalView } from '@slack/types';
import type { Actor } from '../../runbook/approvals/request.ts';
import { blockOf } from '../messages/kit/action-ids.ts';
import type { Message } from '../messages/kit/message.ts';
import { notice } from '../messages/notice.ts';
import { toActor } from '../people.ts';
import type { Asker } from './answer.ts';
import { refusal } from './command.ts';
import { depsFor } from './deps.ts';
import type { ActionContext, CommandDeps } from './deps.ts';

/** A button, or a choice in an overflow menu. */
export type PressAction = BlockAction<ButtonAction | OverflowAction>;
type PressArgs = SlackActionMiddlewareArgs<PressAction> & AllMiddlewareArgs;

/** A press on one of dbconn's buttons. */
export interface Press {
  readonly asker: Asker;
  /** The same person, as the door knows people. */
  readonly actor: Actor;
  readonly actionId: string;
  /** What the button was sent with, or the option that was chosen; empty when it carries nothing. */
  readonly value: string;
  /** The message it stands on. */
  readonly ts: string | undefined;
  /** Opens a dialog, once and within 3 s. */
  readonly triggerId: string;
  readonly signal: AbortSignal;
}

export type PressWork = (deps: CommandDeps, press: Press) => Promise<void>;

/** Acknowledges a press, answers it by `work`, and never leaves it silent. */
export function onPress(deps: CommandDeps, work: PressWork): (args: PressArgs) => Promise<void> {
  const { answer, inFlight, log } = deps;
  return async ({ ack, body, context, payload, respond }) => {
    await ack().catch((err: unknown) => log.warn({ err }, 'A press was not acknowledged'));
    const { user, message } = body;
    const channel = body.channel?.id;
    const { action_id: actionId } = payload;
    const value = payload.type === 'overflow' ? payload.selected_option.value : payload.value;
    if (channel === undefined) {
      log.warn({ action: actionId, user: user.id }, 'A press came from nowhere and was ignored');
      return;
    }
    const asker: Asker = { channel, user: user.id, respond };
    const busy = refusal(inFlight);
    await inFlight.run(async (signal) => {
      try {
        if (busy !== undefined) {
          await answer(asker, 'caller', notice(busy));
          return;
        }
        if (body.actions.length !== 1 || payload.block_id !== blockOf.get(actionId)) {
          log.warn({ action: actionId, channel, user: user.id }, 'A press was not one of ours');
          await answer(asker, 'caller', notice(notOurs));
          return;
        }
        const actor = toActor(user.id, user.team_id ?? body.team?.id);
        const { trigger_id: triggerId } = body;
        const pressed = { actionId, value: value ?? '', ts: message?.ts, triggerId };
        await work(depsFor(deps, context), { asker, actor, signal, ...pressed });
      } catch (err) {
        log.error({ err, channel }, 'A press could not be answered');
      }
    });
  };
}

const notOurs =
  'This button does not stand where dbconn put it, so nothing was done. Use the card in the incident channel, or look with /dbconn status.';

/** Opens a dialog as the answer to a press; words only where Slack does not open it. */
export async function openDialog(
  { deps }: ActionContext,
  { triggerId }: Press,
  view: ModalView,
): Promise<Message | undefined> {
  const problem = await deps.modals.open(triggerId, view);
  if (problem === undefined) return undefined;
  return notice(
    `Slack did not open the dialog (${problem}), and nothing was done. Press it again.`,
  );
}
