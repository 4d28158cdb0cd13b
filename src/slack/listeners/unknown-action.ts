import type { AllMiddlewareArgs, SlackActionMiddlewareArgs } from '@slack/bolt';
import type { Logger } from 'pino';
import type { Answer } from '../answer.ts';
import { notice } from '../messages/notice.ts';

interface UnknownActionDeps {
  /** The ids other listeners answer: Bolt calls every listener that matches, this one included. */
  readonly known: ReadonlySet<string>;
  readonly answer: Answer;
  readonly log: Logger;
}

type Args = SlackActionMiddlewareArgs & AllMiddlewareArgs;

const stale =
  'This button belongs to an older dbconn and does nothing any more. Ask again with /dbconn status.';

/**
 * Old messages keep their buttons when dbconn changes. A press on one is answered instead of
 * showing Slack's warning triangle.
 */
export function unknownAction(deps: UnknownActionDeps): (args: Args) => Promise<void> {
  return async ({ ack, body, payload, respond }) => {
    if ('action_id' in payload && deps.known.has(payload.action_id)) return;
    await ack();
    const id = 'action_id' in payload ? payload.action_id.slice(0, 60) : body.type;
    deps.log.warn({ action: id }, 'A button nobody answers was pressed');
    const channel = 'channel' in body ? body.channel?.id : undefined;
    if (channel === undefined) return;
    await deps.answer({ channel, user: body.user.id, respond }, 'caller', notice(stale));
  };
}
