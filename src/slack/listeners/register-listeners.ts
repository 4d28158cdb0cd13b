import type { App } from '@slack/bolt';
import { dbconnCommand } from './dbconn-command.ts';
import type { CommandDeps } from './dbconn-command.ts';
import { unknownAction } from './unknown-action.ts';

/** Everything Slack can call in dbconn. */
export function registerListeners(app: App, deps: CommandDeps): void {
  const { answer, log } = deps;
  app.command('/dbconn', dbconnCommand(deps));
  app.action(/[^]*/, unknownAction({ known: new Set(), answer, log }));
  // Listeners answer their own failures; what arrives here is a fault that nobody can be told about.
  app.error(async (error) => {
    log.error({ err: error }, 'A listener failed');
    return Promise.resolve();
  });
}
