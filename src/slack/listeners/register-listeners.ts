import type { App, BlockButtonAction } from '@slack/bolt';
import { actionIds, knownActions, proposeActions } from '../action-ids.ts';
import type { CommandDeps } from './command-deps.ts';
import { dbconnCommand } from './dbconn-command.ts';
import { onPress } from './press.ts';
import { proposeButton } from './propose-button.ts';
import { unknownAction } from './unknown-action.ts';
import { voteButtons } from './vote-buttons.ts';

/** Everything Slack can call in dbconn. */
export function registerListeners(app: App, deps: CommandDeps): void {
  const { answer, log } = deps;
  app.command('/dbconn', dbconnCommand(deps));
  const vote = onPress(deps, voteButtons(deps));
  const propose = onPress(deps, proposeButton(deps));
  for (const id of [actionIds.approve, actionIds.deny]) app.action<BlockButtonAction>(id, vote);
  for (const id of proposeActions) app.action<BlockButtonAction>(id, propose);
  app.action(/[^]*/, unknownAction({ known: knownActions, answer, log }));
  // Listeners answer their own failures; what arrives here is a fault that nobody can be told about.
  app.error(async (error) => {
    log.error({ err: error }, 'A listener failed');
    return Promise.resolve();
  });
}
