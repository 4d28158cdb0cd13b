import type {
  AllMiddlewareArgs,
  BlockAction,
  ButtonAction,
  CheckboxesAction,
  OverflowAction,
  SlackActionMiddlewareArgs,
} from '@slack/bolt';
import type { ModalView } from '@slack/types';
import type { Place } from '../../runbook/approvals/notices.ts';
import { isFromOwnBlock } from '../messages/kit/action-ids.ts';
import type { Message } from '../messages/kit/message.ts';
import { notice } from '../messages/notice.ts';
import { toActor } from '../people.ts';
import type { Asker } from './answer.ts';
import { answerCommand } from './command.ts';
import type { CommandDeps, Interaction } from './deps.ts';
import { answerInTime, listen } from './listen.ts';

/** A button, a choice in an overflow menu, or a list of boxes. */
export type PressAction = BlockAction<ButtonAction | OverflowAction | CheckboxesAction>;
type PressArgs = SlackActionMiddlewareArgs<PressAction> & AllMiddlewareArgs;

/** A press on one of dbconn's buttons. */
export interface Press extends Interaction {
  readonly actionId: string;
  /** What the button was sent with, or the option that was chosen; empty when it carries nothing. */
  readonly value: string;
  /** The same; of a list of boxes all that are ticked. */
  readonly values: readonly string[];
  /** The message it stands on. */
  readonly ts: string | undefined;
  /** Opens a dialog, once and within 3 s. */
  readonly triggerId: string;
}

export type PressWork = (press: Press) => Promise<void>;

/** Acknowledges a press, answers it by `work`, and never leaves it silent. */
export function onPress(deps: CommandDeps, work: PressWork): (args: PressArgs) => Promise<void> {
  const { answer, log } = deps;
  return async ({ ack, body, context, payload, respond }) => {
    const { user, message, trigger_id: triggerId } = body;
    const { action_id: actionId } = payload;
    const channel = body.channel?.id;
    const asker: Asker = { channel: channel ?? '', user: user.id, respond };
    const actor = toActor(user.id, user.team_id ?? body.team?.id);
    const refuse = (text: string): Promise<void> => answer(asker, 'caller', notice(text));
    const call = { what: 'A press', context, asker, actor, ack: () => ack(), refuse };
    await listen(deps, call, async (interaction) => {
      if (channel === undefined) {
        log.warn({ action: actionId, user: user.id }, 'A press came from nowhere and was ignored');
        return;
      }
      if (body.actions.length !== 1 || !isFromOwnBlock(actionId, payload.block_id)) {
        log.warn({ action: actionId, channel, user: user.id }, 'A press was not one of ours');
        await refuse(payload.type === 'checkboxes' ? notOurList : notOurButton);
        return;
      }
      const values = valuesOf(payload);
      const [value = ''] = values;
      await work({ ...interaction, actionId, value, values, ts: message?.ts, triggerId });
    });
  };
}

function valuesOf(payload: PressArgs['payload']): string[] {
  switch (payload.type) {
    case 'overflow':
      return [payload.selected_option.value];
    case 'checkboxes':
      return payload.selected_options.map(({ value = '' }) => value);
    default:
      return [payload.value ?? ''];
  }
}

const notOurButton =
  'This button is not from a message of dbconn. Nothing was done. Use the card in the incident channel, or /dbconn status.';
export const notOurList =
  'This checklist is not from dbconn. Nothing was recorded. Use the one in the thread of the incident.';

/** Whether a press was made on another message than the one dbconn made. Where that is not known, none is. */
export function isForeign(
  { actionId, asker, log, ts }: Press,
  place: Place | undefined,
): place is Place {
  if (place === undefined || (place.channel === asker.channel && place.ts === ts)) return false;
  log.warn({ action: actionId, ...asker, respond: undefined }, 'A press on a foreign card');
  return true;
}

/** Words that are answered as if they had been typed. */
interface FollowingCommand {
  readonly command: string;
}

/** Undefined where a dialog is the answer. */
export type PressReply = Message | FollowingCommand | undefined;

/** Answers a press by what the work says. */
export async function answerPress(
  press: Press,
  otherwise: string,
  work: () => Promise<PressReply>,
): Promise<void> {
  const { answer, asker } = press;
  const task = { work, doing: 'answering a press', name: 'answer to a press', otherwise };
  const { value } = await answerInTime(press, task);
  if (value === undefined) return;
  // With a patience of its own, and to the person who pressed alone: the message itself is for all.
  if ('command' in value) await answerCommand({ ...press, channel: undefined }, value.command);
  else await answer(asker, 'caller', value);
}

/** Opens a dialog as the answer to a press; words only where Slack does not open it. */
export async function openDialog(
  { modals, triggerId }: Press,
  view: ModalView,
): Promise<Message | undefined> {
  const problem = await modals.open(triggerId, view);
  if (problem === undefined) return undefined;
  return notice(
    `Slack did not open the dialog (${problem}). Nothing was done. Press the button again.`,
  );
}
