import type { AllMiddlewareArgs, App, SlackActionMiddlewareArgs } from '@slack/bolt';
import { answeredActions, checklistAction } from '../messages/kit/action-ids.ts';
import { notice } from '../messages/notice.ts';
import { dbconnCommand } from './command.ts';
import type { CommandDeps } from './deps.ts';
import { dialogs } from './dialogs.ts';
import {
  checklistTick,
  incidentButton,
  incidentButtons,
  statusButtons,
} from './incident-buttons.ts';
import { onPress } from './press.ts';
import type { PressAction } from './press.ts';
import { requestButton, requestButtons } from './request-buttons.ts';
import { onSubmit, unknownDialog } from './submit.ts';

type Args = SlackActionMiddlewareArgs & AllMiddlewareArgs;

const stale =
  'This button belongs to an older dbconn and does nothing any more. Ask again with /dbconn status.';

/**
 * Old messages keep their buttons when dbconn changes. A press on one is answered instead of
 * showing Slack's warning triangle.
 */
function unknownAction({ answer, log }: CommandDeps): (args: Args) => Promise<void> {
  return async ({ ack, body, payload, respond }) => {
    // Bolt calls every listener that matches, this one included.
    if ('action_id' in payload && answeredActions.has(payload.action_id)) return;
    await ack();
    const id = 'action_id' in payload ? payload.action_id.slice(0, 60) : body.type;
    log.warn({ action: id }, 'A button nobody answers was pressed');
    const channel = 'channel' in body ? body.channel?.id : undefined;
    if (channel === undefined) return;
    await answer({ channel, user: body.user.id, respond }, 'caller', notice(stale));
  };
}

/** Everything Slack can call in dbconn. Each id of action-ids.ts has its entry in one of the four tables. */
export function registerListeners(app: App, deps: CommandDeps): void {
  const { log } = deps;
  app.command('/dbconn', dbconnCommand(deps));
  for (const [id, work] of Object.entries(requestButtons)) {
    app.action<PressAction>(id, onPress(deps, requestButton(work)));
  }
  for (const [id, work] of Object.entries(statusButtons)) {
    app.action<PressAction>(id, onPress(deps, work));
  }
  for (const [id, work] of Object.entries(incidentButtons)) {
    app.action<PressAction>(id, onPress(deps, incidentButton(work)));
  }
  app.action<PressAction>(checklistAction, onPress(deps, checklistTick));
  for (const [id, read] of Object.entries(dialogs)) app.view(id, onSubmit(deps, read));
  app.action(/[^]*/, unknownAction(deps));
  app.view(/[^]*/, unknownDialog(log));
  // Listeners answer their own failures; what arrives here is a fault that nobody can be told about.
  app.error(async (error) => {
    log.error({ err: error }, 'A listener failed');
    return Promise.resolve();
  });
}
