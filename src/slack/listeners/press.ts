import type { AllMiddlewareArgs, BlockButtonAction, SlackActionMiddlewareArgs } from '@slack/bolt';
import type { Asker } from '../answer.ts';
import { notice } from '../messages/notice.ts';
import type { CommandDeps } from './command-deps.ts';
import { refusal } from './dbconn-command.ts';

export type PressArgs = SlackActionMiddlewareArgs<BlockButtonAction> & AllMiddlewareArgs;

/** A press on one of dbconn's buttons. */
export interface Press {
  readonly asker: Asker;
  readonly actionId: string;
  /** What the button was sent with; empty when it carries nothing. */
  readonly value: string;
  /** The message it stands on. */
  readonly ts: string | undefined;
  readonly signal: AbortSignal;
}

/** Acknowledges a press, answers it by `work`, and never leaves it silent. */
export function onPress(
  deps: CommandDeps,
  work: (press: Press) => Promise<void>,
): (args: PressArgs) => Promise<void> {
  const { answer, inFlight, log } = deps;
  return async ({ ack, body, payload, respond }) => {
    await ack().catch((err: unknown) => log.warn({ err }, 'A press was not acknowledged'));
    const channel = body.channel?.id;
    if (channel === undefined) return;
    const asker: Asker = { channel, user: body.user.id, respond };
    const busy = refusal(inFlight);
    await inFlight.run(async (signal) => {
      try {
        if (busy !== undefined) {
          await answer(asker, 'caller', notice(busy));
          return;
        }
        const { action_id: actionId, value = '' } = payload;
        await work({ asker, actionId, value, ts: body.message?.ts, signal });
      } catch (err) {
        log.error({ err, channel }, 'A press could not be answered');
      }
    });
  };
}
