import type { App } from '@slack/bolt';
import { answeredActions, checklistAction, knownCallbacks } from '../messages/kit/action-ids.ts';
import type { CommandDeps } from './command-deps.ts';
import { checklistTick } from '../handlers/checklist-tick.ts';
import type { TickAction } from '../handlers/checklist-tick.ts';
import { dbconnCommand } from '../handlers/command.ts';
import { dialogs } from './dialogs.ts';
import { onSubmit } from './on-submit.ts';
import { incidentButton, incidentButtons } from './incident-buttons.ts';
import { onPress } from './press.ts';
import type { PressAction } from './press.ts';
import { requestButton, requestButtons } from '../handlers/request-buttons.ts';
import { statusButtons } from './status-buttons.ts';
import { unknownAction } from './unknown-action.ts';
import { unknownDialog } from './unknown-dialog.ts';

/** Everything Slack can call in dbconn. Each id of action-ids.ts has its entry in one of the four tables. */
export function registerListeners(app: App, deps: CommandDeps): void {
  const { answer, log } = deps;
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
  app.action<TickAction>(checklistAction, checklistTick(deps));
  for (const [id, read] of Object.entries(dialogs)) app.view(id, onSubmit(deps, read));
  app.action(/[^]*/, unknownAction({ known: answeredActions, answer, log }));
  app.view(/[^]*/, unknownDialog(knownCallbacks, log));
  // Listeners answer their own failures; what arrives here is a fault that nobody can be told about.
  app.error(async (error) => {
    log.error({ err: error }, 'A listener failed');
    return Promise.resolve();
  });
}
